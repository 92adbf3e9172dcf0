import { rm } from "node:fs/promises";
import type { EngineDescription } from "../../src/contract/engine-description.ts";
import type { Progress } from "../../src/contract/job.ts";
import type { JobFields, JobRecord } from "../../src/jobs/records/job-record.ts";
import type { Logger } from "../../src/logging.ts";
import { encodePicture } from "../../src/pictures/encode.ts";
import type { Raster, Raster16 } from "../../src/pictures/raster.ts";
import type { BlobStore } from "../../src/storage/blob-store.ts";
import type { EngineEvent } from "../engine/protocol.ts";
import type { PaintingEvent } from "../engine-process/painting.ts";
import { AttemptBlobs } from "./attempt-blobs.ts";
import type { AttemptContext } from "./attempt-context.ts";
import type { LossHistory } from "./loss-history.ts";
import type { StoreRetry } from "./store-retry.ts";
import { Throttle } from "./throttle.ts";
import { TimelapseWriter } from "./timelapse-writer.ts";

const PROGRESS_INTERVAL_MS = 250;
const PREVIEW_INTERVAL_MS = 1_000;
const PREVIEW = { format: "jpeg", quality: 85 } as const;
/** A result may be an hour's work: a store that rejects it is retried for a minute. */
const RESULT_RETRY_DELAYS_MS = [250, 1_000, 4_000, 15_000, 40_000];

type Event<Type extends EngineEvent["type"]> = Extract<EngineEvent, { type: Type }>;

/**
 * Writes what the engine reports of a painting to the blob store and to the job's record: progress, losses, previews,
 * checkpoints, the timelapse and the result. A blob is stored before the record names it.
 */
export class ArtifactWriter {
  private readonly blobs: AttemptBlobs;
  private readonly progress: Throttle<Progress>;
  private readonly preview: Throttle<Event<"preview">>;
  private readonly checkpoint: Throttle<Event<"checkpoint">>;
  private readonly timelapse: TimelapseWriter;
  /** Which of two keys the next checkpoint gets: the record never names it. */
  private checkpointSlot: 0 | 1 = 0;
  /** A stored checkpoint that the record perhaps does not name yet. */
  private unnamedCheckpoint: Pick<JobFields, "checkpoint" | "losses"> | null = null;

  constructor(
    store: BlobStore,
    private readonly attempt: AttemptContext,
    private readonly losses: LossHistory,
    private readonly logger: Logger,
    private readonly storeRetry: StoreRetry,
  ) {
    this.blobs = new AttemptBlobs(store, attempt);
    const logFailure = (what: string) => (error: unknown) =>
      logger.warn({ err: error }, `could not store ${what}; painting continues`);
    this.progress = new Throttle(
      PROGRESS_INTERVAL_MS,
      (progress) => attempt.update({ progress }),
      logFailure("progress"),
    );
    this.preview = new Throttle(
      PREVIEW_INTERVAL_MS,
      (event) => this.storePreview(event),
      logFailure("a preview"),
    );
    this.checkpoint = new Throttle(0, (event) => this.storeCheckpoint(event), logFailure("a checkpoint"));
    this.timelapse = new TimelapseWriter(store, attempt, logFailure("a timelapse frame"));
  }

  onEvent(event: PaintingEvent): void {
    switch (event.type) {
      case "restarted":
        this.losses.clear();
        break;
      case "progress":
        this.losses.add(event.progress, event.options_version);
        this.progress.offer(event.progress);
        break;
      case "preview": {
        const { preview_interval } = this.attempt.record.options;
        if (preview_interval > 0 && event.step % preview_interval === 0) this.preview.offer(event);
        this.timelapse.offer(event.step, event.picture);
        break;
      }
      case "checkpoint":
        this.checkpoint.offer(event);
        break;
      case "checkpoint_failed":
        this.logger.warn(
          { reason: event.message },
          "the engine could not write a checkpoint; painting continues",
        );
    }
  }

  /** Resolves when everything reported so far is written. */
  async flush(): Promise<void> {
    const throttles = [this.progress, this.preview, this.checkpoint];
    await Promise.all([...throttles.map((throttle) => throttle.flush()), this.timelapse.flush()]);
  }

  /** Stores the painted picture. Resolves to the record's fields of a succeeded job. */
  async storeResult(painted: Event<"painted">, engine: EngineDescription): Promise<JobFields> {
    const { picture, pixels, progress } = painted;
    const { id, options } = this.attempt.record;
    const { output } = options;
    const metadata = JSON.stringify({ job: id, engine: engine.name, tensorflow: engine.tensorflow, options });
    const bytes = await encodePicture(picture, output, metadata);
    const result = await this.retry(() => this.blobs.putPicture("result", bytes, picture, output.format));
    const lossy = output.format === "png" ? null : picture;
    const raw_result = await this.storeRawResult(pixels ?? lossy);
    const losses = await this.retry(() => this.storeLosses());
    const finished_early = progress.step < progress.total_steps;
    return { result, raw_result, finished_early, progress, losses, checkpoint: null };
  }

  /** Stores the losses of a painting that failed. */
  async storeFailure(): Promise<void> {
    await this.attempt.update({ losses: await this.storeLosses() });
  }

  /** Deletes the blobs that the job's final record does not name. */
  cleanUp(record: JobRecord | null): Promise<void> {
    return this.blobs.deleteUnused(record);
  }

  private async storePreview({ picture, step }: Event<"preview">): Promise<void> {
    const { color_space } = this.attempt.record.options.output;
    const bytes = await encodePicture(picture, { ...PREVIEW, color_space });
    const stored = await this.blobs.putPicture("preview", bytes, picture, PREVIEW.format);
    await this.attempt.update({ preview: { ...stored, step } });
  }

  private async storeCheckpoint({ path, step }: Event<"checkpoint">): Promise<void> {
    try {
      // If the last update failed, nobody knows whether Redis did it: both blobs stay until the record names the newer one.
      await this.nameCheckpoint();
      const key = await this.blobs.putFile(`checkpoint-${this.checkpointSlot}`, path);
      this.unnamedCheckpoint = { checkpoint: { key, step }, losses: await this.storeLosses() };
      await this.nameCheckpoint();
    } finally {
      await rm(path, { force: true });
    }
  }

  private async nameCheckpoint(): Promise<void> {
    if (!this.unnamedCheckpoint) return;
    await this.attempt.update(this.unnamedCheckpoint);
    this.unnamedCheckpoint = null;
    this.checkpointSlot = this.checkpointSlot === 0 ? 1 : 0;
  }

  /** Stores the pixels that another job can continue from, if they differ from the result. */
  private async storeRawResult(pixels: Raster | Raster16 | null): Promise<string | null> {
    if (!pixels) return null;
    const { color_space } = this.attempt.record.options.output;
    const bytes = await encodePicture(pixels, { format: "png", quality: 100, color_space });
    return await this.retry(() => this.blobs.put("raw-result", bytes));
  }

  private storeLosses(): Promise<string> {
    return this.blobs.put("losses", this.losses.encode());
  }

  private retry<T>(operation: () => Promise<T>): Promise<T> {
    return this.storeRetry.retry(RESULT_RETRY_DELAYS_MS, operation);
  }
}
