import { createWriteStream } from "node:fs";
import { pipeline } from "node:stream/promises";
import type { JobRecord } from "../../src/jobs/records/job-record.ts";
import { BlobNotFoundError, type BlobStore } from "../../src/storage/blob-store.ts";
import { LossHistory } from "./loss-history.ts";
import type { ScratchFolder } from "./scratch-folder.ts";

interface LoadedCheckpoint {
  /** A file for the engine; null if the painting starts from the beginning. */
  checkpoint: string | null;
  /** The losses up to the checkpoint's step. */
  losses: LossHistory;
}

/** Loads the checkpoint of an earlier attempt. Without one, or if its blob is gone, the painting starts from the beginning. */
export async function loadCheckpoint(
  store: BlobStore,
  record: JobRecord,
  scratch: ScratchFolder,
): Promise<LoadedCheckpoint> {
  if (!record.checkpoint) return { checkpoint: null, losses: new LossHistory() };
  const { key, step } = record.checkpoint;
  const path = scratch.newPath();
  const isFound = await orNull(async () => {
    const { stream } = await store.get(key);
    await pipeline(stream, createWriteStream(path, { flags: "wx" }));
    return true;
  });
  if (!isFound) return { checkpoint: null, losses: new LossHistory() };
  const { losses } = record;
  const stored = losses === null ? null : await orNull(() => store.read(losses));
  return { checkpoint: path, losses: new LossHistory(stored ?? undefined, step) };
}

/** Resolves to null if the blob does not exist. */
function orNull<T>(read: () => Promise<T>): Promise<T | null> {
  return read().catch((error: unknown) => {
    if (error instanceof BlobNotFoundError) return null;
    throw error;
  });
}
