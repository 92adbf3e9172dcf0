import type { Loss, Progress } from "../../src/contract/job.ts";
import type { Options } from "../../src/contract/options.ts";
import type { DeepRaster, Raster } from "../../src/images/raster.ts";
import { Canvas } from "./canvas.ts";
import { type Checkpoint, CheckpointError, readCheckpoint, writeCheckpoint } from "./checkpoint.ts";
import { paintingBytes, planScales } from "./memory-plan.ts";
import type { Vgg19 } from "./network/vgg19.ts";
import { Adam } from "./optimizers/adam.ts";
import { Lbfgs } from "./optimizers/lbfgs.ts";
import type { Optimizer } from "./optimizers/optimizer.ts";
import { SpectralPreconditioner } from "./optimizers/preconditioner.ts";
import { Pace, scaleCost } from "./pace.ts";
import type { Pictures } from "./protocol.ts";
import { toRaster } from "./resample.ts";
import { type Scale, schedule } from "./schedule.ts";
import { SMALLEST_EDGE, Sources } from "./sources.ts";
import { type Tensor4D, tf } from "./tensorflow.ts";

/** The content is too narrow for VGG-19 at the asked size. */
export class PictureTooSmallError extends Error {
  override readonly name = "PictureTooSmallError";
}

/**
 * One run: the content painted in the styles, step by step, coarse to fine.
 *
 * Every call of step() blocks for one evaluation of the objective. dispose() frees all of its tensors.
 */
export class Painting {
  readonly #network: Vgg19;
  readonly #sources: Sources;
  readonly #scales: Scale[];
  /** Rows of a strip at each scale: part of a checkpoint, since another choice rounds differently. */
  readonly #stripRows: number[];
  #options: Options;
  #scale = 0;
  #stepInScale = 0;
  #canvas: Canvas;
  #optimizer: Optimizer;
  #loss: Loss | null = null;
  readonly #pace = new Pace();
  /** When the step before ended, or the next one began where its time is none of theirs. */
  #since: number | undefined;

  /**
   * @param checkpoint path of the file that save() of an equal painting wrote, to go on from there
   * @param availableMemory bytes that the engine may hold in all
   * @throws PictureTooSmallError, OutOfMemoryError, CheckpointError
   */
  constructor(
    network: Vgg19,
    options: Options,
    pictures: Pictures,
    checkpoint: string | null,
    availableMemory = Number.POSITIVE_INFINITY,
  ) {
    const { content } = pictures;
    if (Math.min(content.width, content.height) < SMALLEST_EDGE) {
      throw new PictureTooSmallError(
        `expected both edges of the picture to be at least ${SMALLEST_EDGE} px, received ${content.width} × ${content.height}`,
      );
    }
    this.#network = network;
    this.#options = options;
    this.#scales = schedule(options, content.width, content.height);
    const restored = checkpoint === null ? undefined : this.#read(checkpoint);
    this.#stripRows =
      restored?.stripRows ?? planScales(this.#scales, options, availableMemory, network.kernels.name);
    this.#sources = new Sources(pictures, options);
    this.#scale = restored?.scale ?? 0;
    this.#canvas = this.#stretch();
    this.#optimizer = this.#optimizerOf(
      restored === undefined ? this.#sources.start(this.#current, options) : this.#tensor(restored.image),
    );
    if (restored !== undefined) {
      this.#optimizer.restore(restored.optimizerState);
      if (restored.objective !== describeObjective(options)) {
        this.#optimizer.restart();
      }
      this.#stepInScale = restored.stepInScale;
      this.#loss = restored.loss;
    }
  }

  get isDone(): boolean {
    return this.#scale === this.#scales.length - 1 && this.#stepInScale === this.#current.steps;
  }

  /** An upper estimate of what it comes to hold, in bytes. */
  get bytes(): number {
    return paintingBytes(this.#scales, this.#stripRows, this.#options, this.#network.kernels.name);
  }

  get #current(): Scale {
    return this.#scales[this.#scale] as Scale;
  }

  /** One step of the optimiser, at the next scale where this one is done. */
  step(): void {
    if (this.#stepInScale === this.#current.steps) {
      this.#enterNextScale();
    }
    this.#since ??= performance.now();
    const evaluation = this.#canvas.evaluate(this.#optimizer.image);
    if (Number.isFinite(evaluation.loss.total)) {
      this.#loss = evaluation.loss; // from any other the optimiser steps back
    }
    this.#optimizer.update(evaluation);
    this.#stepInScale += 1;
    const now = performance.now();
    this.#pace.note(this.#current, now - this.#since); // other paintings' steps between two of this one count
    this.#since = now;
  }

  progress(): Progress {
    const before = this.#scales.slice(0, this.#scale);
    const done = before.reduce((sum, scale) => sum + scale.steps, 0) + this.#stepInScale;
    const costOf = (scales: Scale[]) => scales.reduce((sum, scale) => sum + scaleCost(scale, scale.steps), 0);
    const whole = costOf(this.#scales);
    const spent = costOf(before) + scaleCost(this.#current, this.#stepInScale);
    const stepsLeft = this.#current.steps - this.#stepInScale;
    return {
      step: done,
      total_steps: this.#scales.reduce((sum, scale) => sum + scale.steps, 0),
      fraction: spent / whole,
      scale: {
        index: this.#scale,
        count: this.#scales.length,
        width: this.#current.width,
        height: this.#current.height,
      },
      loss: this.#loss,
      step_ms: this.#pace.stepMilliseconds,
      eta_seconds: this.#pace.secondsLeft(stepsLeft, this.#scales.slice(this.#scale + 1)),
    };
  }

  /** The picture as it stands, at the current scale's size. */
  picture(): Raster {
    return this.#canvas.show(this.#optimizer.result);
  }

  /** The same with 16 bits a channel. */
  deepPicture(): DeepRaster {
    return this.#canvas.showDeep(this.#optimizer.result);
  }

  /** The pixels as they were painted, before colours and kept parts are put over them: for another painting to start as. */
  pixels(): Raster {
    return toRaster(this.#optimizer.result);
  }

  /** Whether picture() shows just the pixels that were painted. */
  get isBare(): boolean {
    return this.#canvas.isBare;
  }

  /**
   * Goes on with other weights, from where it stands: what the optimiser had learnt of the objective is forgotten. The
   * strips stay as they are; deeper layers than before take a fraction of what the shallow ones hold.
   */
  steer(options: Options): void {
    const isSame = describeObjective(options) === describeObjective(this.#options);
    this.#options = options;
    if (isSame) {
      return;
    }
    this.#canvas.dispose();
    this.#canvas = this.#stretch();
    this.#since = undefined;
    this.#optimizer.restart();
  }

  /** Writes a new file with all that it takes to go on exactly from here. */
  save(path: string): void {
    const { width, height } = this.#current;
    writeCheckpoint(path, {
      width,
      height,
      stripRows: this.#stripRows,
      scale: this.#scale,
      stepInScale: this.#stepInScale,
      image: this.#optimizer.image,
      optimizer: this.#options.optimizer,
      optimizerState: this.#optimizer.state(),
      objective: describeObjective(this.#options),
      loss: this.#loss,
    });
  }

  /** @throws CheckpointError unless the checkpoint is of a painting with these scales and this optimiser */
  #read(path: string): Checkpoint {
    const checkpoint = readCheckpoint(path);
    const scale = this.#scales[checkpoint.scale];
    const isOwn =
      scale?.width === checkpoint.width &&
      scale.height === checkpoint.height &&
      scale.steps >= checkpoint.stepInScale &&
      checkpoint.stripRows.length === this.#scales.length &&
      checkpoint.optimizer === this.#options.optimizer;
    if (!isOwn) {
      const { width, height, stepInScale, optimizer } = checkpoint;
      throw new CheckpointError(
        `the checkpoint is of another painting: ${optimizer}, scale ${checkpoint.scale} of ${width} × ${height}, step ${stepInScale}`,
      );
    }
    return checkpoint;
  }

  #enterNextScale(): void {
    this.#scale += 1;
    this.#stepInScale = 0;
    this.#since = undefined;
    const image = this.#sources.enlarge(this.#optimizer.result, this.#current, this.#options);
    this.#optimizer.dispose();
    this.#canvas.dispose();
    this.#canvas = this.#stretch();
    this.#optimizer = this.#optimizerOf(image);
  }

  #stretch(): Canvas {
    const [scale, rows] = [this.#current, this.#stripRows[this.#scale]];
    return new Canvas(this.#network, this.#sources, scale, this.#options, rows);
  }

  #tensor(values: Float32Array): Tensor4D {
    return tf.tensor4d(values, [1, this.#current.height, this.#current.width, 3]);
  }

  #optimizerOf(image: Tensor4D): Optimizer {
    const { optimizer, learning_rate } = this.#options;
    const { width, height } = this.#current;
    return optimizer === "adam"
      ? new Adam(image, learning_rate)
      : new Lbfgs(image, learning_rate, new SpectralPreconditioner(height, width));
  }

  dispose(): void {
    this.#optimizer.dispose();
    this.#canvas.dispose();
    this.#sources.dispose();
  }
}

/** Every option that can be steered and that the loss depends on, as one text. */
function describeObjective(options: Options): string {
  const { content_weight, style_weight, content_layers, style_layers, style_weights, tv_weight } = options;
  return JSON.stringify([
    content_weight,
    style_weight,
    content_layers,
    style_layers,
    style_weights,
    tv_weight,
  ]);
}
