import type { Size } from "../../src/pictures/picture-size.ts";
import type { Raster, Raster16 } from "../../src/pictures/raster.ts";
import { withLuminanceOf } from "./colors/luminance.ts";
import { addMargin, foldMargin, sizeWithMargin } from "./margin.ts";
import type { Vgg19 } from "./network/vgg19.ts";
import { type Evaluation, Objective, type ObjectiveOptions, type Targets } from "./objective/objective.ts";
import { toRaster, toRaster16 } from "./resample.ts";
import type { Scale } from "./schedule.ts";
import type { ScaledContent, Sources } from "./sources.ts";
import { type Tensor4D, tf } from "./tensorflow.ts";

/**
 * One size of a painting: what its pixels are to be like, and what is seen of them.
 *
 * The network sees it with its margin, nobody else does.
 *
 * What of the content is kept lies over the pixels that are optimised, in the loss as in what is shown: these have no
 * say where it is opaque.
 */
export class Canvas {
  readonly #content: ScaledContent;
  readonly #objective: Objective;
  readonly #size: Size;
  /** With the margin. */
  readonly #seen: Size;

  constructor(
    network: Vgg19,
    sources: Sources,
    scale: Scale,
    options: ObjectiveOptions & Parameters<Sources["targets"]>[2],
    stripRows: number | undefined,
  ) {
    this.#size = scale;
    this.#seen = sizeWithMargin(scale, options);
    this.#content = sources.content(scale);
    const { targets, owned } = sources.targets(scale, this.#content, options);
    try {
      const seen = targetsWithMargin(targets, this.#seen, owned);
      this.#objective = new Objective(network, options, seen, stripRows);
    } catch (error) {
      this.#disposeContent();
      throw error;
    } finally {
      tf.dispose(owned);
    }
  }

  /** Loss at the picture that `pixels` make, and its gradient with respect to them. */
  evaluate(pixels: Tensor4D): Evaluation {
    const { keep } = this.#content;
    return tf.tidy(() => {
      const picture = addMargin(this.#compose(pixels), this.#seen);
      const { loss, gradient } = this.#objective.evaluate(picture);
      const folded = foldMargin(gradient, this.#size);
      return { loss, gradient: keep === undefined ? folded : tf.mul<Tensor4D>(folded, tf.sub(1, keep)) };
    });
  }

  /** Whether the pixels are shown as they are, and not under others, in other colours or in part. */
  get isBare(): boolean {
    const { keep, colors, visible } = this.#content;
    return [keep, colors, visible].every((part) => part === undefined);
  }

  /** What is shown of the pixels, 8 bits a channel. */
  show(pixels: Tensor4D): Raster {
    return this.#shown(pixels, toRaster);
  }

  /** The same with 16 bits a channel. */
  showDeep(pixels: Tensor4D): Raster16 {
    return this.#shown(pixels, toRaster16);
  }

  #shown<Kind>(pixels: Tensor4D, convert: (picture: Tensor4D, visible?: Tensor4D) => Kind): Kind {
    const { colors, visible } = this.#content;
    const picture = tf.tidy(() => {
      const composed = this.#compose(pixels);
      return colors === undefined ? composed : withLuminanceOf(colors, composed);
    });
    const shown = convert(picture, visible);
    picture.dispose();
    return shown;
  }

  #compose(pixels: Tensor4D): Tensor4D {
    const { picture, keep } = this.#content;
    return keep === undefined
      ? pixels.clone()
      : tf.tidy(() => tf.add<Tensor4D>(pixels, tf.mul(keep, tf.sub(picture, pixels))));
  }

  dispose(): void {
    this.#objective.dispose();
    this.#disposeContent();
  }

  #disposeContent(): void {
    const { picture, visible, colors, keep } = this.#content;
    tf.dispose([picture, visible, colors, keep].filter((tensor) => tensor !== undefined));
  }
}

/** What the network is to see; its tensors are added to `owned`. */
function targetsWithMargin({ content, visible, regions }: Targets, size: Size, owned: Tensor4D[]): Targets {
  const widened = (x: Tensor4D) => {
    const wide = addMargin(x, size);
    owned.push(wide);
    return wide;
  };
  return {
    content: widened(content),
    visible: visible && widened(visible),
    regions: regions.map((region) => ({ ...region, where: region.where && widened(region.where) })),
  };
}
