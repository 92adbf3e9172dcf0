import { randomUUID } from "node:crypto";
import type { BlobStore } from "./blob-store.ts";

/**
 * The time in ms by the clock that dates the store's blobs, which is that of the machine that keeps them. Infinity where
 * the store takes no blob to tell it by: one that is full needs its sweeps most.
 */
export async function storeTime(store: BlobStore): Promise<number> {
  const key = `clock/${randomUUID()}`;
  try {
    await store.put(key, new Uint8Array(1));
    return (await store.stat(key))?.modifiedAt.getTime() ?? Number.POSITIVE_INFINITY;
  } catch {
    return Number.POSITIVE_INFINITY;
  } finally {
    await store.delete(key).catch(() => undefined);
  }
}
