import type { BlobStore } from "./blob-store.ts";

/** Deletes every blob below `folder`, a path that ends in "/". */
export async function deletePrefix(store: BlobStore, folder: string): Promise<void> {
  for await (const { key } of store.list(folder)) await store.delete(key);
}
