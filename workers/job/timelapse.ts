import { timelapseFolder } from "../../src/jobs/records/job-record.ts";
import type { Raster } from "../../src/pictures/raster.ts";
import { encodeFrame } from "../../src/pictures/timelapse.ts";
import type { BlobStore } from "../../src/storage/blob-store.ts";
import type { JobRun } from "./job-run.ts";

/** More frames, or more bytes, than this are thinned out: every second one goes, and they come half as often. */
const MOST_FRAMES = 48;
const MOST_BYTES = 8 * 1024 * 1024;
/** Frames that wait to be stored at once; where the store is slower than the engine some are left out. */
const WAITING = 3;

/**
 * Keeps pictures of a run, so that it can be shown as a timelapse. Their keys say the step they are of, not the
 * attempt: one that goes on from an earlier one gives the same pictures.
 */
export class Timelapse {
  /** Bytes of each frame by its step. */
  private readonly frames = new Map<number, number>();
  private interval: number;
  private waiting = 0;
  private work: Promise<void>;

  constructor(
    private readonly store: BlobStore,
    private readonly run: JobRun,
    private readonly onError: (error: unknown) => void,
  ) {
    const { timelapse, options } = run.record;
    this.interval = timelapse?.interval ?? options.timelapse_interval;
    this.work = timelapse ? this.recall().catch(onError) : Promise.resolve();
  }

  offer(step: number, picture: Raster): void {
    if (this.interval === 0 || step % this.interval !== 0 || this.waiting >= WAITING) return;
    this.waiting += 1;
    this.work = this.work
      .then(() => this.keep(step, picture))
      .catch(this.onError)
      .finally(() => {
        this.waiting -= 1;
      });
  }

  /** Resolves when what was offered is stored. */
  async settle(): Promise<void> {
    await this.work;
  }

  private async recall(): Promise<void> {
    for await (const { key, size } of this.store.list(timelapseFolder(this.run.record.id))) {
      const step = Number.parseInt(key.split("/").at(-1) ?? "", 10);
      if (step > 0) this.frames.set(step, size);
    }
  }

  private async keep(step: number, picture: Raster): Promise<void> {
    if (step % this.interval !== 0) return;
    const bytes = await encodeFrame(picture);
    await this.store.put(this.key(step), bytes);
    this.frames.set(step, bytes.length);
    await this.thin();
    await this.run.update({ timelapse: { frames: this.frames.size, interval: this.interval } });
  }

  private async thin(): Promise<void> {
    const size = [...this.frames.values()].reduce((sum, bytes) => sum + bytes, 0);
    if (this.frames.size <= MOST_FRAMES && size <= MOST_BYTES) return;
    this.interval *= 2;
    for (const step of this.frames.keys()) {
      if (step % this.interval === 0) continue;
      await this.store.delete(this.key(step));
      this.frames.delete(step);
    }
  }

  private key(step: number): string {
    return `${timelapseFolder(this.run.record.id)}${String(step).padStart(6, "0")}.webp`;
  }
}
