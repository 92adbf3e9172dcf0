import { statfs } from "node:fs/promises";
import { StorageFullError } from "./blob-store.ts";

/** After how many written bytes the disk is checked again. */
const STEP = 4 * 1024 * 1024;

/** Checks the free space on the disks of some folders, so that accepted jobs can be finished. */
export class FreeSpace {
  private readonly open = new Set<SpaceReservation>();

  /**
   * @param minimumBytes how much must stay free on each disk; 0: nothing is checked
   * @param readFree the free bytes on the disk of a folder
   */
  constructor(
    private readonly folders: readonly string[],
    private readonly minimumBytes: number,
    private readonly readFree: (folder: string) => Promise<number> = freeBytes,
  ) {}

  /** Reserves space until `end` is aborted. Throws `StorageFullError` if a disk has not enough. */
  async reserve(bytes: number, end: AbortSignal): Promise<SpaceReservation> {
    const reservation = new SpaceReservation(bytes, () => this.check());
    if (!end.aborted) {
      this.open.add(reservation);
      end.addEventListener("abort", () => this.open.delete(reservation), { once: true });
    }
    await this.check();
    return reservation;
  }

  /** How much is reserved and not written yet. */
  get outstandingBytes(): number {
    return [...this.open].reduce((sum, { outstandingBytes }) => sum + outstandingBytes, 0);
  }

  private async check(): Promise<void> {
    if (this.minimumBytes === 0) return;
    const free = Math.min(...(await Promise.all(this.folders.map(this.readFree)))) - this.outstandingBytes;
    if (free >= this.minimumBytes) return;
    throw new StorageFullError(new Error(`${free} bytes are free, expected ${this.minimumBytes}`));
  }
}

/** Space for what a request writes. */
export class SpaceReservation {
  private written = 0;
  private nextCheck = STEP;

  constructor(
    private reserved: number,
    private readonly check: () => Promise<void>,
  ) {}

  get outstandingBytes(): number {
    return Math.max(0, this.reserved - this.written);
  }

  /** Call this before `bytes` are written. Reserves more if needed. Throws `StorageFullError` if the disk has not enough. */
  async use(bytes: number): Promise<void> {
    this.written += bytes;
    const needsMore = this.written > this.reserved;
    if (!needsMore && this.written < this.nextCheck) return;
    if (needsMore) this.reserved = this.written + STEP;
    this.nextCheck = this.written + STEP;
    await this.check();
  }
}

/** Returns Infinity if the folder does not exist yet, or if the system does not know. */
export async function freeBytes(folder: string): Promise<number> {
  return await statfs(folder).then(
    ({ bavail, bsize }) => bavail * bsize,
    () => Number.POSITIVE_INFINITY,
  );
}
