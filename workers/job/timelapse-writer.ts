import { timelapseFolder } from "../../src/jobs/records/job-blobs.ts";
import type { Raster } from "../../src/pictures/raster.ts";
import { encodeFrame } from "../../src/pictures/timelapse.ts";
import type { BlobStore } from "../../src/storage/blob-store.ts";
import type { AttemptContext } from "./attempt-context.ts";

/** Beyond either limit every second frame is deleted, and frames are stored half as often. */
const MAXIMUM_FRAMES = 48;
const MAXIMUM_BYTES = 8 * 1024 * 1024;
/** Frames that may wait to be stored. If the store is slower than the engine, further frames are dropped. */
const MAXIMUM_PENDING = 3;

/**
 * Stores pictures of a painting at regular steps, the frames of its timelapse. The keys contain the step and not the
 * attempt: an attempt that continues another one paints the same pictures.
 */
export class TimelapseWriter {
  /** Bytes of each frame by its step. */
  private readonly frames = new Map<number, number>();
  private interval: number;
  private pending = 0;
  private queue: Promise<void>;

  constructor(
    private readonly store: BlobStore,
    private readonly attempt: AttemptContext,
    private readonly onError: (error: unknown) => void,
  ) {
    const { timelapse, options } = attempt.record;
    this.interval = timelapse?.interval ?? options.timelapse_interval;
    this.queue = timelapse ? this.findStoredFrames().catch(onError) : Promise.resolve();
  }

  offer(step: number, picture: Raster): void {
    if (this.interval === 0 || step % this.interval !== 0 || this.pending >= MAXIMUM_PENDING) return;
    this.pending += 1;
    this.queue = this.queue
      .then(() => this.storeFrame(step, picture))
      .catch(this.onError)
      .finally(() => {
        this.pending -= 1;
      });
  }

  /** Resolves when all accepted frames are stored. */
  async flush(): Promise<void> {
    await this.queue;
  }

  private async findStoredFrames(): Promise<void> {
    for await (const { key, size } of this.store.list(timelapseFolder(this.attempt.record.id))) {
      const step = Number.parseInt(key.split("/").at(-1) ?? "", 10);
      if (step > 0) this.frames.set(step, size);
    }
  }

  private async storeFrame(step: number, picture: Raster): Promise<void> {
    if (step % this.interval !== 0) return;
    const bytes = await encodeFrame(picture);
    await this.store.put(this.frameKey(step), bytes);
    this.frames.set(step, bytes.length);
    await this.thinOut();
    await this.attempt.update({ timelapse: { frames: this.frames.size, interval: this.interval } });
  }

  private async thinOut(): Promise<void> {
    const size = [...this.frames.values()].reduce((sum, bytes) => sum + bytes, 0);
    if (this.frames.size <= MAXIMUM_FRAMES && size <= MAXIMUM_BYTES) return;
    this.interval *= 2;
    for (const step of this.frames.keys()) {
      if (step % this.interval === 0) continue;
      await this.store.delete(this.frameKey(step));
      this.frames.delete(step);
    }
  }

  private frameKey(step: number): string {
    return `${timelapseFolder(this.attempt.record.id)}${String(step).padStart(6, "0")}.webp`;
  }
}
