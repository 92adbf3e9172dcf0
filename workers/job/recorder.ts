import { rm } from "node:fs/promises";
import type { EngineDescription } from "../../src/contract/engine.ts";
import type { Progress } from "../../src/contract/job.ts";
import {
  type JobFields,
  type JobRecord,
  jobFolder,
  needsBlob,
  type StoredPicture,
} from "../../src/jobs/records/job-record.ts";
import { isFinal } from "../../src/jobs/records/job-states.ts";
import type { Logger } from "../../src/logging.ts";
import type { ColorSpace } from "../../src/pictures/decode.ts";
import { encodePicture } from "../../src/pictures/encode.ts";
import { MEDIA_TYPES } from "../../src/pictures/picture-type.ts";
import type { Raster, Raster16 } from "../../src/pictures/raster.ts";
import type { BlobStore } from "../../src/storage/blob-store.ts";
import type { EngineEvent } from "../engine/protocol.ts";
import type { PaintingEvent } from "../engine-process/engine-process.ts";
import type { JobRun } from "./job-run.ts";
import type { LossHistory } from "./loss-history.ts";
import type { Patience } from "./patience.ts";
import { Throttle } from "./throttle.ts";
import { Timelapse } from "./timelapse.ts";

const PROGRESS_MS = 250;
const PREVIEW_MS = 1_000;
const PREVIEW = { format: "jpeg", quality: 85 } as const;
/** Pauses between tries to store a result where others can be stored: an hour's work is worth a minute's patience. */
const RESULT_PAUSES_MS = [250, 1_000, 4_000, 15_000, 40_000];

type Event<Type extends EngineEvent["type"]> = Extract<EngineEvent, { type: Type }>;

/**
 * Puts what the engine reports of one run into the job's record and the blob store.
 *
 * Each attempt writes to keys of its own: one that lost its job without knowing cannot spoil what the next one
 * wrote. A blob is stored before the record names it, and deleted after the record has let go of it.
 */
export class Recorder {
  /** Blobs of this attempt, and of the one that it goes on from. */
  private readonly known = new Set<string>();
  private readonly progress: Throttle<Progress>;
  private readonly preview: Throttle<Event<"preview">>;
  private readonly timelapse: Timelapse;
  private readonly checkpoint: Throttle<Event<"checkpoint">>;
  private checkpoints = 0;

  constructor(
    private readonly store: BlobStore,
    private readonly run: JobRun,
    private readonly losses: LossHistory,
    private readonly logger: Logger,
    private readonly patience: Patience,
  ) {
    const { checkpoint, preview, losses: history } = run.record;
    for (const key of [checkpoint?.key, preview?.key, history]) if (key) this.known.add(key);
    const failing = (what: string) => (error: unknown) =>
      logger.warn({ err: error }, `${what} was not stored`);
    this.progress = new Throttle(PROGRESS_MS, (progress) => run.update({ progress }), failing("progress"));
    this.preview = new Throttle(PREVIEW_MS, (event) => this.storePreview(event), failing("a preview"));
    this.timelapse = new Timelapse(store, run, failing("a picture of the timelapse"));
    this.checkpoint = new Throttle(0, (event) => this.storeCheckpoint(event), failing("a checkpoint"));
  }

  record(event: PaintingEvent): void {
    if (event.type === "restarted") {
      this.losses.forget();
    } else if (event.type === "progress") {
      this.losses.add(event.progress, event.steered);
      this.progress.offer(event.progress);
    } else if (event.type === "preview") {
      const { preview_interval } = this.run.record.options;
      if (preview_interval > 0 && event.step % preview_interval === 0) this.preview.offer(event);
      this.timelapse.offer(event.step, event.picture);
    } else if (event.type === "checkpoint") this.checkpoint.offer(event);
    else this.logger.warn({ reason: event.message }, "a checkpoint was not written");
  }

  /** Writes what still waits. */
  async settle(): Promise<void> {
    const throttles = [this.progress, this.preview, this.checkpoint];
    await Promise.all([...throttles.map((throttle) => throttle.flush()), this.timelapse.settle()]);
  }

  /** Stores the painted picture. Gives what the record of a succeeded job says. */
  async result(painted: Event<"painted">, engine: EngineDescription): Promise<JobFields> {
    const { picture, pixels, progress } = painted;
    const { id, options } = this.run.record;
    const { output } = options;
    const made = JSON.stringify({ job: id, engine: engine.name, tensorflow: engine.tensorflow, options });
    const bytes = await encodePicture(picture, output, made);
    const result = await this.patience.insist(RESULT_PAUSES_MS, () =>
      this.storePicture("result", bytes, picture, output.format),
    );
    const lossy = output.format === "png" ? null : picture;
    const state = await this.storeState(pixels ?? lossy, output.color_space);
    const losses = await this.patience.insist(RESULT_PAUSES_MS, () => this.storeLosses());
    return { result, state, progress, losses, checkpoint: null };
  }

  /** Stores the history of a run that failed. */
  async failure(): Promise<void> {
    await this.run.update({ losses: await this.storeLosses() });
  }

  /**
   * Deletes what the record, as it now is, does not name: of a job that has ended all, and so what attempts left
   * that died; of another one only what this attempt knows of.
   */
  async cleanUp(record: JobRecord | null): Promise<void> {
    if (!record || isFinal(record.status)) {
      for await (const { key } of this.store.list(jobFolder(this.run.record.id))) this.known.add(key);
    }
    for (const key of this.known) if (!record || !needsBlob(record, key)) await this.store.delete(key);
  }

  private async storePreview({ picture, step }: Event<"preview">): Promise<void> {
    const { color_space } = this.run.record.options.output;
    const bytes = await encodePicture(picture, { ...PREVIEW, color_space });
    const stored = await this.storePicture("preview", bytes, picture, PREVIEW.format);
    await this.run.update({ preview: { ...stored, step } });
  }

  private async storeCheckpoint({ path, step }: Event<"checkpoint">): Promise<void> {
    try {
      // Two keys in turn: the record always names a whole checkpoint and its own step.
      const key = this.keyOf(`checkpoint-${this.checkpoints++ % 2}`);
      await this.store.putFile(key, path);
      const losses = await this.storeLosses();
      await this.run.update({ checkpoint: { key, step }, losses });
    } finally {
      await rm(path, { force: true });
    }
  }

  private async storeState(
    pixels: Raster | Raster16 | null,
    color_space: ColorSpace,
  ): Promise<string | null> {
    if (!pixels) return null;
    const bytes = await encodePicture(pixels, { format: "png", quality: 100, color_space });
    return await this.patience.insist(RESULT_PAUSES_MS, () => this.put("state", bytes));
  }

  private storeLosses(): Promise<string> {
    return this.put("losses", this.losses.encode());
  }

  private async storePicture(
    name: string,
    bytes: Uint8Array,
    { width, height }: Pick<Raster, "width" | "height">,
    format: keyof typeof MEDIA_TYPES,
  ): Promise<StoredPicture> {
    const key = await this.put(name, bytes);
    return { key, media_type: MEDIA_TYPES[format], bytes: bytes.length, width, height };
  }

  private async put(name: string, bytes: Uint8Array): Promise<string> {
    const key = this.keyOf(name);
    await this.store.put(key, bytes);
    return key;
  }

  private keyOf(name: string): string {
    const key = `${jobFolder(this.run.record.id)}${this.run.token}/${name}`;
    this.known.add(key);
    return key;
  }
}
