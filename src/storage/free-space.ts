import { statfs } from "node:fs/promises";
import { StorageFullError } from "./blob-store.ts";

/** How long a look at the disks counts. */
const FRESH_MS = 1_000;

/** Watches over the room that is left on the disks of some folders, so that accepted jobs can still be finished. */
export class FreeSpace {
  private looked = Number.NEGATIVE_INFINITY;
  private least = Number.POSITIVE_INFINITY;

  constructor(
    private readonly folders: string[],
    /** Bytes that must be free on each disk. */
    private readonly floor: number,
  ) {}

  /** Throws `StorageFullError` where less is free. */
  async check(): Promise<void> {
    if (this.floor === 0) return;
    if (performance.now() - this.looked > FRESH_MS) {
      this.looked = performance.now();
      this.least = Math.min(...(await Promise.all(this.folders.map(freeBytes))));
    }
    if (this.least < this.floor) {
      throw new StorageFullError(new Error(`${this.least} bytes are free, expected ${this.floor}`));
    }
  }
}

/** Infinity where the folder is not there (yet), and where the system does not say. */
export async function freeBytes(folder: string): Promise<number> {
  return await statfs(folder).then(
    ({ bavail, bsize }) => bavail * bsize,
    () => Number.POSITIVE_INFINITY,
  );
}
