import type { Loss, Progress } from "../../src/contract/job.ts";
import type { Options } from "../../src/contract/options.ts";
import { SHORTEST_EDGE } from "../../src/pictures/picture-size.ts";
import type { Raster, Raster16 } from "../../src/pictures/raster.ts";
import { Canvas } from "./canvas.ts";
import { readCheckpointOf, writeCheckpoint } from "./checkpoint.ts";
import { planScales } from "./memory-plan.ts";
import type { Vgg19 } from "./network/vgg19.ts";
import { describeObjective } from "./objective/describe-objective.ts";
import { chooseOptimizer } from "./optimizers/choose-optimizer.ts";
import type { Optimizer } from "./optimizers/optimizer.ts";
import { progressOf } from "./progress.ts";
import type { Pictures } from "./protocol.ts";
import { toRaster } from "./resample.ts";
import { type Scale, schedule } from "./schedule.ts";
import { Sources } from "./sources.ts";
import { StepTimes } from "./step-times.ts";
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
  /** Rows of a strip at each scale: part of a checkpoint, since others round differently. */
  readonly #stripRows: number[];
  #options: Options;
  #scale = 0;
  #stepInScale = 0;
  #canvas: Canvas;
  #optimizer: Optimizer;
  #loss: Loss | null = null;
  readonly #stepTimes = new StepTimes();

  /**
   * @param checkpoint path of the file that save() of an equal painting wrote, to go on from there
   * @param availableMemory bytes that the engine may hold; as many as it may need where it is not given
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
    if (Math.min(content.width, content.height) < SHORTEST_EDGE) {
      throw new PictureTooSmallError(
        `expected both edges of the picture to be at least ${SHORTEST_EDGE} px, received ${content.width} × ${content.height}`,
      );
    }
    this.#network = network;
    this.#options = options;
    this.#scales = schedule(options, content.width, content.height);
    const restored = checkpoint === null ? undefined : readCheckpointOf(checkpoint, this.#scales);
    const { name } = network.kernels;
    this.#stripRows = planScales(this.#scales, options, availableMemory, name, restored?.stripRows);
    this.#sources = new Sources(pictures, options);
    this.#scale = restored?.scale ?? 0;
    this.#stepInScale = restored?.stepInScale ?? 0;
    this.#loss = restored?.loss ?? null;
    let optimizer: Optimizer | undefined;
    try {
      optimizer = chooseOptimizer(
        this.#current,
        restored === undefined ? this.#sources.start(this.#current, options) : this.#tensor(restored.image),
      );
      if (restored !== undefined) {
        optimizer.restore(restored.optimizerState);
        if (restored.objective !== describeObjective(options)) optimizer.restart();
      }
      this.#canvas = this.#stretch();
    } catch (error) {
      optimizer?.dispose(); // the memory that ran out is there for the next painting
      this.#sources.dispose();
      throw error;
    }
    this.#optimizer = optimizer;
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
    const evaluation = this.#canvas.evaluate(this.#optimizer.image);
    if (Number.isFinite(evaluation.loss.total)) {
      this.#loss = evaluation.loss; // from any other the optimiser steps back
    }
    this.#optimizer.update(evaluation);
    this.#stepInScale += 1;
    this.#stepTimes.note(this.#current, performance.now() - started);
  }

  progress(): Progress {
    const position = { index: this.#scale, stepInScale: this.#stepInScale };
    return progressOf(this.#scales, position, this.#loss, this.#stepTimes);
  }

  /** The picture as it stands, at the current scale's size. */
  picture(): Raster {
    return this.#canvas.show(this.#optimizer.result);
  }

  /** The same with 16 bits a channel. */
  deepPicture(): Raster16 {
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
    this.#optimizer.restart();
  }

  /** Writes a new file with all that it takes to go on exactly from here. */
  save(path: string): void {
    const { width, height, optimizer } = this.#current;
    writeCheckpoint(path, {
      width,
      height,
      stripRows: this.#stripRows,
      scale: this.#scale,
      stepInScale: this.#stepInScale,
      image: this.#optimizer.image,
      optimizer,
      optimizerState: this.#optimizer.state(),
      objective: describeObjective(this.#options),
      loss: this.#loss,
    });
  }

  #enterNextScale(): void {
    this.#scale += 1;
    this.#stepInScale = 0;
    const image = this.#sources.enlarge(this.#optimizer.result, this.#current, this.#options);
    this.#optimizer.dispose();
    this.#optimizer = chooseOptimizer(this.#current, image);
    this.#canvas.dispose();
    this.#canvas = this.#stretch();
  }

  #stretch(): Canvas {
    const [scale, rows] = [this.#current, this.#stripRows[this.#scale]];
    return new Canvas(this.#network, this.#sources, scale, this.#options, rows);
  }

  #tensor(values: Float32Array): Tensor4D {
    return tf.tensor4d(values, [1, this.#current.height, this.#current.width, 3]);
  }

  dispose(): void {
    this.#optimizer.dispose();
    this.#canvas.dispose();
    this.#sources.dispose();
  }
}
