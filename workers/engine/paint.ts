import type { Loss, Progress } from "../../src/contract/job.ts";
import type { Options } from "../../src/contract/options.ts";
import { SHORTEST_EDGE } from "../../src/pictures/picture-size.ts";
import type { Raster, Raster16 } from "../../src/pictures/raster.ts";
import {
  adamState,
  type Checkpoint,
  readCheckpointOf,
  storedTargets,
  writeCheckpoint,
} from "./checkpoint.ts";
import { withLuminanceOf } from "./colors/luminance.ts";
import { InputImages, type ScaledContent } from "./input-images.ts";
import { addMargin, foldMargin, sizeWithMargin } from "./margin.ts";
import { planScales } from "./memory-plan.ts";
import type { Vgg19 } from "./network/vgg19.ts";
import { type Evaluation, Objective, type Targets } from "./objective.ts";
import { objectiveFingerprint } from "./objective-fingerprint.ts";
import { Adam } from "./optimizers/adam.ts";
import { PIXELS } from "./optimizers/parametrization.ts";
import { PYRAMID } from "./optimizers/pyramid.ts";
import { progressOf } from "./progress.ts";
import type { Pictures } from "./protocol.ts";
import { toRaster, toRaster16 } from "./resample.ts";
import { rateShare, type Scale, schedule } from "./schedule.ts";
import { StepTimes } from "./step-times.ts";
import { type Tensor4D, tf } from "./tensorflow.ts";

/** The content is too narrow for VGG-19 at the asked size. */
export class PictureTooSmallError extends Error {
  override readonly name = "PictureTooSmallError";
}

/**
 * Style transfer, the whole algorithm. It starts from the content and changes the picture step by step, until VGG-19 finds
 * the content's shapes and the style's strokes in it.
 *
 *     for each scale, coarse to fine (schedule.ts):
 *       enlarge the picture; scale the content and the styles to this size
 *       match: every place of the picture takes a place of the style as its target (losses/neighbor-targets.ts)
 *       for each step:
 *         loss and gradient = sum over losses/registry.ts, through VGG-19 and back (objective.ts)
 *         Adam moves the coefficients of the picture's Laplacian pyramid (optimizers/)
 *
 * With `style_distance` gram it is the algorithm of Gatys et al. 2015: nothing is matched, Gram matrices are the style, and
 * Adam moves the pixels.
 *
 * Every call of step() blocks for one step. dispose() frees all of its tensors.
 */
export class Painting {
  readonly #network: Vgg19;
  readonly #images: InputImages;
  readonly #scales: Scale[];
  /** Rows of a strip at each scale: part of a checkpoint, since others round differently. */
  readonly #stripRows: number[];
  readonly #stepTimes = new StepTimes();
  #options: Options;
  #scale = 0;
  #stepInScale = 0;
  #content: ScaledContent;
  #objective: Objective;
  #optimizer: Adam;
  #loss: Loss | null = null;

  /**
   * @param checkpoint path of the file that save() of an equal painting wrote, to go on from there
   * @param availableMemory bytes that the engine may hold; as many as it may need if left out
   * @throws PictureTooSmallError, OutOfMemoryError, CheckpointError
   */
  constructor(
    network: Vgg19,
    options: Options,
    pictures: Pictures,
    checkpoint: string | null,
    availableMemory = Number.POSITIVE_INFINITY,
  ) {
    const { width, height } = pictures.content;
    if (Math.min(width, height) < SHORTEST_EDGE) {
      throw new PictureTooSmallError(
        `expected both edges of the picture to be at least ${SHORTEST_EDGE} px, received ${width} × ${height}`,
      );
    }
    this.#network = network;
    this.#options = options;
    this.#scales = schedule(options, width, height);
    const restored = checkpoint === null ? undefined : readCheckpointOf(checkpoint, this.#scales);
    this.#stripRows = planScales(
      this.#scales,
      options,
      availableMemory,
      network.kernels.name,
      restored?.stripRows,
    );
    this.#scale = restored?.scale ?? 0;
    this.#stepInScale = restored?.stepInScale ?? 0;
    this.#loss = restored?.loss ?? null;
    this.#images = new InputImages(pictures, options);
    let [optimizer, content]: [Adam?, ScaledContent?] = [];
    try {
      content = this.#images.content(this.#current);
      optimizer = this.#createOptimizer(this.#images.start(this.#current, options));
      const isUpdated = restored !== undefined && restored.objective !== objectiveFingerprint(options);
      if (restored !== undefined) optimizer.restore(adamState(restored));
      if (isUpdated) optimizer.restart();
      this.#objective = this.#createObjective(content, optimizer.picture, isUpdated ? undefined : restored);
      [this.#content, this.#optimizer] = [content, optimizer];
    } catch (error) {
      optimizer?.dispose(); // the memory that ran out is there for the next painting
      if (content !== undefined) disposeOf(content);
      this.#images.dispose();
      throw error;
    }
  }

  get isDone(): boolean {
    return this.#scale === this.#scales.length - 1 && this.#stepInScale === this.#current.steps;
  }

  get #current(): Scale {
    return this.#scales[this.#scale] as Scale;
  }

  /** One step of the optimiser, at the next scale if this one is done. */
  step(): void {
    if (this.#stepInScale === this.#current.steps) this.#enterNextScale();
    const started = performance.now();
    const evaluation = this.#evaluate(this.#optimizer.picture);
    if (Number.isFinite(evaluation.loss.total)) this.#loss = evaluation.loss; // else the optimiser steps back
    this.#optimizer.update(evaluation, rateShare(this.#current, this.#stepInScale));
    this.#stepInScale += 1;
    this.#stepTimes.note(this.#current, performance.now() - started);
  }

  #enterNextScale(): void {
    this.#enlargeTo(this.#scale + 1);
    this.#objective = this.#createObjective(this.#content, this.#optimizer.picture);
  }

  /** Ends the painting where it stands: the picture of a coarser scale gets the full size. */
  finish(): void {
    const last = this.#scales.length - 1;
    if ((this.#scales[last] as Scale).width > this.#current.width) this.#enlargeTo(last);
  }

  #enlargeTo(scale: number): void {
    this.#scale = scale;
    this.#stepInScale = 0;
    const enlarged = this.#images.enlarge(this.#optimizer.picture, this.#current, this.#options);
    this.#optimizer.dispose();
    this.#optimizer = this.#createOptimizer(enlarged);
    this.#objective.dispose();
    disposeOf(this.#content);
    this.#content = this.#images.content(this.#current);
  }

  #createOptimizer(picture: Tensor4D): Adam {
    const { style_distance, learning_rate } = this.#options;
    return new Adam(picture, style_distance === "neighbors" ? PYRAMID : PIXELS, learning_rate);
  }

  /** What the picture is to be like at the current scale. */
  #createObjective(content: ScaledContent, picture: Tensor4D, restored?: Checkpoint): Objective {
    const [scale, options] = [this.#current, this.#options];
    const { targets, owned } = this.#images.targets(scale, content, options);
    try {
      const start = this.#images.withContentDetails(picture, this.#stepInScale === 0, content.picture);
      owned.push(start);
      const padded = targetsWithMargin({ ...targets, start }, sizeWithMargin(scale, options), options, owned);
      const isFirstScale = this.#scale === 0 && this.#stepInScale === 0 && options.init === "content";
      const stored = restored && storedTargets(restored.tensors, owned);
      const rows = this.#stripRows[this.#scale];
      return new Objective(this.#network, options, { ...padded, isFirstScale, stored }, scale.phase, rows);
    } finally {
      tf.dispose(owned);
    }
  }

  /**
   * Loss at the picture that `pixels` make, and its gradient with respect to them. What of the content is kept lies over
   * them, in the loss as in what is shown: they have no say where it is opaque.
   */
  #evaluate(pixels: Tensor4D): Evaluation {
    const { keep } = this.#content;
    return tf.tidy(() => {
      const picture = addMargin(this.#compose(pixels), sizeWithMargin(this.#current, this.#options));
      const { loss, gradient } = this.#objective.evaluate(picture, this.progress().step);
      const folded = foldMargin(gradient, this.#current);
      return { loss, gradient: keep === undefined ? folded : tf.mul<Tensor4D>(folded, tf.sub(1, keep)) };
    });
  }

  #compose(pixels: Tensor4D): Tensor4D {
    const { picture, keep } = this.#content;
    return keep === undefined
      ? pixels.clone()
      : tf.tidy(() => tf.add<Tensor4D>(pixels, tf.mul(keep, tf.sub(picture, pixels))));
  }

  progress(): Progress {
    const position = { index: this.#scale, stepInScale: this.#stepInScale };
    return progressOf(this.#scales, position, this.#loss, this.#stepTimes);
  }

  /** The picture as it stands, at the current scale's size. */
  picture(): Raster {
    return this.#show(toRaster);
  }

  /** The same with 16 bits a channel. */
  deepPicture(): Raster16 {
    return this.#show(toRaster16);
  }

  #show<Kind>(convert: (picture: Tensor4D, visible?: Tensor4D) => Kind): Kind {
    const { colors, visible } = this.#content;
    const picture = tf.tidy(() => {
      const composed = this.#compose(this.#optimizer.picture);
      return colors === undefined ? composed : withLuminanceOf(colors, composed);
    });
    const shown = convert(picture, visible);
    picture.dispose();
    return shown;
  }

  /** The pixels as they were painted, before colours and kept parts are put over them: for another painting to start as. */
  pixels(): Raster {
    return toRaster(this.#optimizer.picture);
  }

  /** Whether picture() shows just the pixels that were painted. */
  get isBare(): boolean {
    const { keep, colors, visible } = this.#content;
    return [keep, colors, visible].every((part) => part === undefined);
  }

  /**
   * Goes on with other weights, from where it stands: it is matched with the styles anew, and the optimiser's moments are
   * reset. The strips stay as they are; deeper layers than before take a fraction of what the
   * shallow ones hold.
   */
  updateOptions(options: Options): void {
    const isSame = objectiveFingerprint(options) === objectiveFingerprint(this.#options);
    this.#options = options;
    if (isSame) return;
    this.#objective.dispose();
    this.#objective = this.#createObjective(this.#content, this.#optimizer.picture);
    this.#optimizer.restart();
  }

  /** Writes a new file with all that it takes to go on exactly from here. */
  save(path: string): void {
    const { width, height, phase } = this.#current;
    const { tensors, numbers } = this.#optimizer.state();
    const state = {
      ...{ width, height, phase, stripRows: this.#stripRows },
      ...{ scale: this.#scale, stepInScale: this.#stepInScale },
      ...{ optimizer: numbers, objective: objectiveFingerprint(this.#options), loss: this.#loss },
    };
    writeCheckpoint(path, state, { ...tensors, ...Object.fromEntries(this.#objective.state()) });
  }

  dispose(): void {
    this.#optimizer.dispose();
    this.#objective.dispose();
    disposeOf(this.#content);
    this.#images.dispose();
  }
}

function disposeOf({ picture, visible, colors, keep }: ScaledContent): void {
  tf.dispose([picture, visible, colors, keep].filter((tensor) => tensor !== undefined));
}

/** What the losses are to see; its tensors are added to `owned`. */
function targetsWithMargin(
  { content, visible, regions, start }: Targets,
  size: { width: number; height: number },
  options: Options,
  owned: Tensor4D[],
): Targets {
  const widened = (x: Tensor4D, to = size) => {
    const wide = addMargin(x, to);
    owned.push(wide);
    return wide;
  };
  /** Styles continue as the picture does. */
  const style = (x: Tensor4D) => {
    const [, height, width] = x.shape;
    return widened(x, sizeWithMargin({ width, height }, options, size));
  };
  return {
    ...{ content: widened(content), visible: visible && widened(visible), start: start && widened(start) },
    regions: regions.map(({ styles, where, weight }) => ({
      ...{ where: where && widened(where), weight },
      styles: styles.map((one) => ({
        ...{ picture: style(one.picture), visible: one.visible && style(one.visible), weight: one.weight },
      })),
    })),
  };
}
