import type { Loss, Progress } from "../../src/contract/job.ts";
import type { Options } from "../../src/contract/options.ts";
import type { Raster } from "../../src/images/raster.ts";
import { type Checkpoint, CheckpointError, readCheckpoint, writeCheckpoint } from "./checkpoint.ts";
import { planStrips } from "./memory-plan.ts";
import type { Vgg19 } from "./network/vgg19.ts";
import { Objective } from "./objective/objective.ts";
import { Adam } from "./optimizers/adam.ts";
import { Lbfgs } from "./optimizers/lbfgs.ts";
import type { Optimizer } from "./optimizers/optimizer.ts";
import { SpectralPreconditioner } from "./optimizers/preconditioner.ts";
import { Pace, scaleCost } from "./pace.ts";
import { resample, toRaster, toTensor } from "./resample.ts";
import { type Scale, schedule } from "./schedule.ts";
import { type Tensor4D, tf } from "./tensorflow.ts";

/** VGG-19 halves the picture four times and needs a pixel left. */
export const SMALLEST_EDGE = 16;

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
  readonly #options: Options;
  readonly #content: Tensor4D;
  readonly #styles: Tensor4D[];
  readonly #scales: Scale[];
  /** Rows of a strip at each scale: part of a checkpoint, since another choice rounds differently. */
  readonly #stripRows: number[];
  #scale = 0;
  #stepInScale = 0;
  #objective: Objective;
  #optimizer: Optimizer;
  #loss: Loss | null = null;
  readonly #pace = new Pace();

  /**
   * @param checkpoint path of the file that save() of an equal painting wrote, to go on from there
   * @param availableMemory bytes that the engine may hold in all
   * @throws PictureTooSmallError, OutOfMemoryError, CheckpointError
   */
  constructor(
    network: Vgg19,
    options: Options,
    content: Raster,
    styles: Raster[],
    checkpoint: string | null,
    availableMemory = Number.POSITIVE_INFINITY,
  ) {
    if (Math.min(content.width, content.height) < SMALLEST_EDGE) {
      throw new PictureTooSmallError(
        `expected both edges of the picture to be at least ${SMALLEST_EDGE} px, received ${content.width} × ${content.height}`,
      );
    }
    this.#network = network;
    this.#options = options;
    this.#scales = schedule(options, content.width, content.height);
    const restored = checkpoint === null ? undefined : this.#read(checkpoint);
    const planned = this.#scales.map(({ width, height }) =>
      planStrips(width, height, options, availableMemory),
    );
    this.#stripRows = restored?.stripRows ?? planned;
    this.#content = tf.keep(toTensor(content));
    this.#styles = styles.map((style) => tf.keep(toTensor(style)));
    this.#scale = restored?.scale ?? 0;
    this.#objective = this.#aim();
    this.#optimizer = this.#optimizerOf(
      restored === undefined ? this.#start() : this.#tensor(restored.image),
    );
    if (restored !== undefined) {
      this.#optimizer.restore(restored.optimizerState);
      this.#stepInScale = restored.stepInScale;
      this.#loss = restored.loss;
    }
  }

  get isDone(): boolean {
    return this.#scale === this.#scales.length - 1 && this.#stepInScale === this.#current.steps;
  }

  get #current(): Scale {
    return this.#scales[this.#scale] as Scale;
  }

  /** One step of the optimiser, at the next scale where this one is done. */
  step(): void {
    if (this.#stepInScale === this.#current.steps) {
      this.#enterNextScale();
    }
    const started = performance.now();
    const evaluation = this.#objective.evaluate(this.#optimizer.image);
    if (Number.isFinite(evaluation.loss.total)) {
      this.#loss = evaluation.loss; // from any other the optimiser steps back
    }
    this.#optimizer.update(evaluation);
    this.#stepInScale += 1;
    this.#pace.note(this.#current, performance.now() - started);
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
    return toRaster(this.#optimizer.result);
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
    const { width, height } = this.#current;
    const image = resample(this.#optimizer.result, width, height);
    this.#optimizer.dispose();
    this.#objective.dispose();
    this.#objective = this.#aim();
    this.#optimizer = this.#optimizerOf(image);
  }

  #aim(): Objective {
    const { width, height, styleSize } = this.#current;
    const content = resample(this.#content, width, height);
    const styles = this.#styles.map((style) => {
      const [, styleHeight, styleWidth] = style.shape;
      const ratio = styleSize / Math.max(styleHeight, styleWidth);
      const edge = (length: number) => Math.max(SMALLEST_EDGE, Math.round(length * ratio));
      return resample(style, edge(styleWidth), edge(styleHeight));
    });
    const objective = new Objective(
      this.#network,
      this.#options,
      content,
      styles,
      this.#stripRows[this.#scale],
    );
    tf.dispose([content, ...styles]);
    return objective;
  }

  /** The content with a bit of noise, or noise alone. */
  #start(): Tensor4D {
    const { width, height } = this.#current;
    const { noise, seed, init } = this.#options;
    return tf.tidy(() => {
      const shape: [number, number, number, number] = [1, height, width, 3];
      if (init === "noise") {
        return tf.randomUniform(shape, 0, 1, "float32", seed) as Tensor4D;
      }
      const content = resample(this.#content, width, height);
      const disturbed =
        noise === 0 ? content : tf.add(content, tf.randomUniform(shape, -noise, noise, "float32", seed));
      return tf.clipByValue(disturbed as Tensor4D, 0, 1);
    });
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
    this.#objective.dispose();
    tf.dispose([this.#content, ...this.#styles]);
  }
}
