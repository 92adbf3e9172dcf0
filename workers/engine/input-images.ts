import { type Options, styleScale } from "../../src/contract/options.ts";
import { SHORTEST_EDGE } from "../../src/pictures/picture-size.ts";
import type { Mask, Raster } from "../../src/pictures/raster.ts";
import { fillHidden } from "./colors/fill-hidden.ts";
import { toLuminance } from "./colors/luminance.ts";
import { recolor } from "./colors/recolor.ts";
import { bilinear } from "./losses/grid.ts";
import type { Targets } from "./objective.ts";
import { withoutDetails } from "./optimizers/pyramid.ts";
import type { Pictures } from "./protocol.ts";
import { maskTensor, resample, toTensor } from "./resample.ts";
import type { Scale } from "./schedule.ts";
import { type Tensor4D, tf } from "./tensorflow.ts";

interface Source {
  picture: Tensor4D;
  /** How opaque it is; undefined where all of it is. */
  visible: Tensor4D | undefined;
}

/** The content's part of a scale. All tensors belong to whoever asked. */
export interface ScaledContent extends Source {
  /** The content in its own colours, where only light and dark are painted. */
  colors: Tensor4D | undefined;
  /** What stays as it is. */
  keep: Tensor4D | undefined;
}

type SourceOptions = Pick<
  Options,
  | "style_distance"
  | "preserve_color"
  | "style_weights"
  | "style_scale"
  | "init"
  | "init_blend"
  | "noise"
  | "seed"
>;

/** The pictures that a painting is made from, at their full sizes, ready to be looked at in any other. */
export class InputImages {
  readonly #content: Source;
  readonly #colors: Tensor4D | undefined;
  readonly #styles: Source[];
  readonly #masks: Tensor4D[];
  readonly #keep: Tensor4D | undefined;
  readonly #start: Tensor4D | undefined;

  constructor(
    { content, styles, styleMasks, keepMask, start }: Pictures,
    { preserve_color }: Pick<Options, "preserve_color">,
  ) {
    const recolors = preserve_color === "histogram" || preserve_color === "both";
    const greys = preserve_color === "luminance" || preserve_color === "both";
    const shown = (picture: Tensor4D) => (greys ? replace(picture, toLuminance) : picture);
    const own = sourceOf(content);
    this.#styles = styles.map((style) => {
      const source = sourceOf(style);
      const picture = recolors
        ? replace(source.picture, (it) => recolor(it, source.visible, own.picture, own.visible))
        : source.picture;
      return { ...source, picture: shown(picture) };
    });
    this.#colors = greys ? tf.keep(own.picture.clone()) : undefined;
    this.#content = { ...own, picture: shown(own.picture) };
    this.#masks = (styleMasks ?? []).map((mask) => tf.keep(maskTensor(mask)));
    this.#keep = keepMask && tf.keep(maskTensor(keepMask));
    this.#start = start && shown(tf.keep(toTensor(start)));
  }

  content({ width, height }: Pick<Scale, "width" | "height">): ScaledContent {
    const at = (image: Tensor4D | undefined) => image && resample(image, width, height);
    const { picture, visible } = this.#content;
    return {
      picture: resample(picture, width, height),
      visible: at(visible),
      colors: at(this.#colors),
      keep: at(this.#keep),
    };
  }

  /** What the picture is to be like at a scale; tensors of the regions are in `owned`, to be disposed of. */
  targets(
    scale: Scale,
    content: ScaledContent,
    options: SourceOptions,
  ): { targets: Targets; owned: Tensor4D[] } {
    const weights = this.#weights(options);
    const styles = this.#styles.map((style, index) => {
      const size = scale.styleSize * styleScale(options.style_scale, index);
      return { ...atSize(style, size), weight: weights[index] ?? 0 };
    });
    const whole = weights.reduce((sum, weight) => sum + weight, 0);
    const regions =
      this.#masks.length === 0
        ? [{ styles, where: regionOf(undefined, content), weight: 1 }]
        : styles.map((style, index) => {
            const mask = resample(this.#masks[index] as Tensor4D, scale.width, scale.height);
            const where = regionOf(mask, content);
            mask.dispose();
            // As many times as heavy as it would be if all weighed alike.
            return { styles: [style], where, weight: (style.weight * styles.length) / whole };
          });
    const owned = [
      ...styles.flatMap(({ picture, visible }) => [picture, visible]),
      ...regions.map(({ where }) => where),
    ].filter((tensor) => tensor !== undefined);
    return { targets: { content: content.picture, visible: content.visible, regions }, owned };
  }

  /**
   * A picture at a finer scale. With `neighbors` it has no detail there yet, but what a picture to start as has; with
   * `gram` it gets the content's, which the optimiser would find slowly (figures in bench/RESULTS.md).
   */
  enlarge(image: Tensor4D, { width, height }: Pick<Scale, "width" | "height">, options: Options): Tensor4D {
    const { style_distance, content_weight, init } = options;
    if (image.shape[1] === height && image.shape[2] === width) return image.clone();
    if (style_distance === "neighbors") {
      return tf.tidy(() => {
        const enlarged = bilinear(image, height, width);
        if (init !== "picture") return enlarged;
        const start = resample(this.#start as Tensor4D, width, height);
        return tf.add<Tensor4D>(enlarged, tf.sub(start, withoutDetails(start)));
      });
    }
    const [, coarseHeight, coarseWidth] = image.shape;
    return tf.tidy(() => {
      const enlarged = resample(image, width, height);
      if (content_weight === 0) return enlarged;
      const content = resample(this.#content.picture, width, height);
      const coarse = resample(resample(this.#content.picture, coarseWidth, coarseHeight), width, height);
      return tf.clipByValue(tf.add<Tensor4D>(enlarged, tf.sub(content, coarse)), 0, 1);
    });
  }

  /** What the picture is at first. With `neighbors` without the content's finest details, which would stay. */
  start({ width, height }: Pick<Scale, "width" | "height">, options: SourceOptions): Tensor4D {
    const { noise, seed, init, init_blend, style_distance } = options;
    return tf.tidy(() => {
      const shape: [number, number, number, number] = [1, height, width, 3];
      const noiseAlone = () => tf.randomUniform(shape, 0, 1, "float32", seed) as Tensor4D;
      if (init === "noise") return noiseAlone();
      const given = init === "picture" ? this.#start : undefined;
      const whole = resample(given ?? this.#content.picture, width, height);
      const picture = given === undefined && style_distance === "neighbors" ? withoutDetails(whole) : whole;
      const blended =
        init === "blend" ? tf.add(picture.mul(1 - init_blend), noiseAlone().mul(init_blend)) : picture;
      const disturbed =
        noise === 0 ? blended : tf.add(blended, tf.randomUniform(shape, -noise, noise, "float32", seed));
      return tf.clipByValue(disturbed as Tensor4D, 0, 1);
    });
  }

  /** The picture at the start of a scale with the content's finest details, by which it is matched; as it is later on. */
  withContentDetails(image: Tensor4D, isStart: boolean, content: Tensor4D): Tensor4D {
    return isStart
      ? tf.tidy(() => tf.add<Tensor4D>(withoutDetails(image), tf.sub(content, withoutDetails(content))))
      : image.clone();
  }

  #weights({ style_weights }: SourceOptions): number[] {
    return this.#styles.map((_, index) => (style_weights.length === 0 ? 1 : (style_weights[index] ?? 0)));
  }

  dispose(): void {
    const all = [this.#content, ...this.#styles].flatMap(({ picture, visible }) => [picture, visible]);
    const kept = [...all, this.#colors, ...this.#masks, this.#keep, this.#start];
    tf.dispose(kept.filter((tensor) => tensor !== undefined));
  }
}

function sourceOf(raster: Raster): Source {
  const visible = raster.alpha && visibility({ ...raster, data: raster.alpha });
  const picture = tf.keep(toTensor(raster));
  return {
    visible,
    picture: visible === undefined ? picture : replace(picture, (it) => fillHidden(it, visible)),
  };
}

/** Undefined where nothing is to be seen at all: there is nothing to tell the pixels apart by. */
function visibility(alpha: Mask): Tensor4D | undefined {
  return alpha.data.some((value) => value > 0) ? tf.keep(maskTensor(alpha)) : undefined;
}

/** The longest edge at `size`, or longer where the shorter one would be too short to look at; never stretched. */
function atSize({ picture, visible }: Source, size: number): Source {
  const [, height, width] = picture.shape;
  const ratio = Math.max(size / Math.max(height, width), SHORTEST_EDGE / Math.min(height, width));
  const edges = [Math.round(width * ratio), Math.round(height * ratio)] as const;
  return { picture: resample(picture, ...edges), visible: visible && resample(visible, ...edges) };
}

/** Where a style goes: where its mask says, the content is seen, and nothing is kept as it is. */
function regionOf(mask: Tensor4D | undefined, { visible, keep }: ScaledContent): Tensor4D | undefined {
  const free = keep && tf.sub<Tensor4D>(1, keep);
  const parts = [mask, visible, free].filter((part) => part !== undefined);
  const where = parts.length === 0 ? undefined : tf.tidy(() => parts.reduce((a, b) => tf.mul(a, b)).clone());
  free?.dispose();
  return where;
}

/** f(x), kept; x is disposed of. */
function replace(x: Tensor4D, f: (x: Tensor4D) => Tensor4D): Tensor4D {
  const y = tf.keep(f(x));
  x.dispose();
  return y;
}
