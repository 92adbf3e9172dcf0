import { statfs } from "node:fs/promises";
import { StorageFullError } from "./blob-store.ts";

const CACHE_MS = 1_000;

/** Checks the free space on the disks of some folders, so that accepted jobs can be finished. */
export class FreeSpace {
  private checkedAt = Number.NEGATIVE_INFINITY;
  private leastFree = Number.POSITIVE_INFINITY;

  /** @param minimumBytes how much must be free on each disk */
  constructor(
    private readonly folders: string[],
    private readonly minimumBytes: number,
  ) {}

  /** Throws `StorageFullError` if less is free on one of the disks. */
  async check(): Promise<void> {
    if (this.minimumBytes === 0) return;
    if (performance.now() - this.checkedAt > CACHE_MS) {
      this.checkedAt = performance.now();
      this.leastFree = Math.min(...(await Promise.all(this.folders.map(freeBytes))));
    }
    if (this.leastFree < this.minimumBytes) {
      throw new StorageFullError(
        new Error(`${this.leastFree} bytes are free, expected ${this.minimumBytes}`),
      );
    }
  }
}

/** Returns Infinity if the folder does not exist yet, or if the system does not know. */
export async function freeBytes(folder: string): Promise<number> {
  return await statfs(folder).then(
    ({ bavail, bsize }) => bavail * bsize,
    () => Number.POSITIVE_INFINITY,
  );
}
