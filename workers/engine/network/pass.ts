import type { Layer } from "../../../src/contract/vgg19-layers.ts";
import { type Tensor4D, tf } from "../tensorflow.ts";
import { Frame, type Framing, NO_FRAME } from "./frame.ts";
import type { Pooling } from "./kernels.ts";
import { deepestLayer, type Stage, stagesUpTo } from "./stages.ts";
import { ownedRows, type Strip, splitAtBoundary, stripsOver } from "./strips.ts";
import { disposeSaved, type SavedStage, type Vgg19 } from "./vgg19.ts";

/** Rows of a layer's feature map, from `firstRow` of the whole map on; gone after the call unless cloned. */
type OnRows<Result> = (layer: Layer, features: Tensor4D, firstRow: number) => Result;

/**
 * One picture's way through VGG-19 and back: the shallow blocks strip by strip, the deep ones at once.
 *
 * With a single strip the shallow activations are kept for the way back; with more, each strip is computed again.
 */
export class Pass {
  readonly #network: Vgg19;
  readonly #pooling: Pooling;
  readonly #shallow: Stage[];
  readonly #deep: Stage[];
  readonly #stripRows: number;
  readonly #captured: ReadonlySet<Layer>;
  readonly #framing: Framing;
  #savedShallow: SavedStage[] | undefined;
  #savedDeep: SavedStage[] = [];

  /**
   * @param layers those whose feature maps are captured, at least one; the pass ends at the deepest
   * @param framing how the picture lies in its frame, see frame.ts
   */
  constructor(
    network: Vgg19,
    layers: readonly Layer[],
    pooling: Pooling,
    stripRows: number,
    framing = NO_FRAME,
  ) {
    this.#network = network;
    this.#framing = framing;
    this.#captured = new Set(layers);
    const stages = stagesUpTo(deepestLayer(layers));
    this.#pooling = pooling;
    this.#stripRows = stripRows;
    const { shallow, deep } = splitAtBoundary(stages);
    this.#shallow = shallow;
    this.#deep = deep;
  }

  /** Shows the looked-at layers' feature maps, a strip at a time from top to bottom, the deep layers' whole. */
  forward(picture: Tensor4D, onFeatures: OnRows<unknown>): void {
    const frame = this.#frameOf(picture);
    const image = frame.add(picture);
    this.#forward(image, (layer, features, firstRow) => {
      const inside = frame.crop(layer, { features, firstRow });
      if (inside === undefined) return;
      onFeatures(layer, inside.features, inside.firstRow);
      inside.features.dispose();
    });
    image.dispose();
  }

  /**
   * Gradient with respect to the picture, after forward() on it; disposes of all activations.
   *
   * @param gradientAt the loss's own gradient with respect to rows of a layer's feature map
   */
  backward(picture: Tensor4D, gradientAt: OnRows<Tensor4D | undefined>): Tensor4D | undefined {
    const frame = this.#frameOf(picture);
    const image = frame.add(picture);
    const gradient = this.#backward(image, (layer, features, firstRow) => {
      const rows = { features, firstRow };
      const inside = frame.crop(layer, rows);
      if (inside === undefined) return undefined;
      const own = gradientAt(layer, inside.features, inside.firstRow);
      inside.features.dispose();
      return own && frame.pad(layer, own, rows);
    });
    image.dispose();
    if (gradient === undefined) return undefined;
    const folded = frame.fold(gradient);
    gradient.dispose();
    return folded;
  }

  #frameOf({ shape: [, height, width] }: Tensor4D): Frame {
    return new Frame({ width, height }, this.#framing);
  }

  #forward(image: Tensor4D, onFeatures: OnRows<unknown>): void {
    const strips = stripsOver(image.shape[1], this.#stripRows);
    const boundary: Tensor4D[] = [];
    for (const strip of strips) {
      const { last, saved } = this.#forwardStrip(image, strip);
      eachOwned(saved, strip, onFeatures);
      if (this.#deep.length > 0) {
        boundary.push(owned(last, strip, reductionAfter(this.#shallow)));
      }
      last.dispose();
      if (strips.length === 1) {
        this.#savedShallow = saved;
      } else {
        disposeSaved(saved);
      }
    }
    if (this.#deep.length > 0) {
      const input = boundary.length === 1 ? (boundary[0] as Tensor4D) : (tf.concat(boundary, 1) as Tensor4D);
      const { last, saved } = this.#network.forward(this.#deep, input, this.#pooling, this.#captured);
      tf.dispose([last, input, ...boundary]);
      this.#savedDeep = saved;
      for (const { stage, output } of saved) {
        if (stage.kind === "convolution" && output !== undefined) {
          onFeatures(stage.layer, output, 0);
        }
      }
    }
  }

  #backward(image: Tensor4D, gradientAt: OnRows<Tensor4D | undefined>): Tensor4D | undefined {
    const boundaryGradient = this.#network.backward(this.#savedDeep, this.#pooling, (layer, features) =>
      gradientAt(layer, features, 0),
    );
    const rows = new OverlappingRows();
    for (const strip of stripsOver(image.shape[1], this.#stripRows)) {
      const gradient = this.#backwardStrip(image, strip, boundaryGradient, gradientAt);
      if (gradient === undefined) {
        return undefined;
      }
      rows.add(gradient, strip.first);
    }
    boundaryGradient?.dispose();
    return rows.finish();
  }

  #backwardStrip(
    image: Tensor4D,
    strip: Strip,
    boundaryGradient: Tensor4D | undefined,
    gradientAt: OnRows<Tensor4D | undefined>,
  ): Tensor4D | undefined {
    const saved = this.#savedShallow ?? this.#recompute(image, strip);
    const last =
      boundaryGradient && this.#spreadOwned(boundaryGradient, strip, reductionAfter(this.#shallow));
    const reductions = reductionsOf(this.#shallow);
    return this.#network.backward(
      saved,
      this.#pooling,
      (layer, features) => {
        const reduction = reductions.get(layer) ?? 1;
        const { ownedFirst } = ownedRows(strip, reduction);
        const rows = owned(features, strip, reduction);
        const own = gradientAt(layer, rows, ownedFirst);
        rows.dispose();
        return own && padRows(own, strip, reduction);
      },
      last,
    );
  }

  #forwardStrip(image: Tensor4D, strip: Strip): { last: Tensor4D; saved: SavedStage[] } {
    const rows = takeRows(image, strip.first, strip.last - strip.first);
    const result = this.#network.forward(this.#shallow, rows, this.#pooling, this.#captured);
    rows.dispose();
    return result;
  }

  #recompute(image: Tensor4D, strip: Strip): SavedStage[] {
    const { last, saved } = this.#forwardStrip(image, strip);
    last.dispose();
    return saved;
  }

  /** The strip's own rows of the gradient at the boundary, with zeros for the rows that other strips own. */
  #spreadOwned(gradient: Tensor4D, strip: Strip, reduction: number): Tensor4D {
    const { ownedFirst, count } = ownedRows(strip, reduction);
    return padRows(takeRows(gradient, ownedFirst, count), strip, reduction);
  }
}

/** How many times smaller than the picture each layer's feature map is. */
function reductionsOf(stages: readonly Stage[]): Map<Layer, number> {
  const reductions = new Map<Layer, number>();
  let reduction = 1;
  for (const stage of stages) {
    if (stage.kind === "pooling") {
      reduction *= 2;
    } else {
      reductions.set(stage.layer, reduction);
    }
  }
  return reductions;
}

function reductionAfter(stages: readonly Stage[]): number {
  return 2 ** stages.filter((stage) => stage.kind === "pooling").length;
}

function eachOwned(saved: readonly SavedStage[], strip: Strip, onFeatures: OnRows<unknown>): void {
  const reductions = reductionsOf(saved.map(({ stage }) => stage));
  for (const { stage, output } of saved) {
    if (stage.kind === "convolution" && output !== undefined) {
      const reduction = reductions.get(stage.layer) ?? 1;
      const rows = owned(output, strip, reduction);
      onFeatures(stage.layer, rows, ownedRows(strip, reduction).ownedFirst);
      rows.dispose();
    }
  }
}

/** The rows of a strip's feature map that the strip owns. */
function owned(features: Tensor4D, strip: Strip, reduction: number): Tensor4D {
  const { offset, count } = ownedRows(strip, reduction);
  return takeRows(features, offset, count);
}

/** Rows of a feature map; without a copy where it is all of them. */
function takeRows(features: Tensor4D, first: number, count: number): Tensor4D {
  const [, height, width, channels] = features.shape;
  return count === height ? features.clone() : features.slice([0, first, 0, 0], [1, count, width, channels]);
}

/** A gradient at a strip's own rows → at all its rows, zero where other strips answer; disposes of `gradient`. */
function padRows(gradient: Tensor4D, strip: Strip, reduction: number): Tensor4D {
  const { offset, count } = ownedRows(strip, reduction);
  const after = Math.floor((strip.last - strip.first) / reduction) - offset - count;
  if (offset === 0 && after === 0) {
    return gradient;
  }
  const padded = tf.pad(gradient, [
    [0, 0],
    [offset, after],
    [0, 0],
    [0, 0],
  ]) as Tensor4D;
  gradient.dispose();
  return padded;
}

/** Adds up strips of rows, each beginning after the one before and reaching into the next. */
class OverlappingRows {
  readonly #finished: Tensor4D[] = [];
  #pending: Tensor4D | undefined;
  #pendingFirst = 0;

  /** Takes `rows` over. */
  add(rows: Tensor4D, first: number): void {
    if (this.#pending === undefined) {
      this.#pending = rows;
      this.#pendingFirst = first;
      return;
    }
    const before = this.#pending;
    const ready = first - this.#pendingFirst;
    const overlap = before.shape[1] - ready;
    this.#finished.push(takeRows(before, 0, ready));
    this.#pending = tf.tidy(() => {
      const carried = takeRows(before, ready, overlap);
      const shared = tf.add(carried, takeRows(rows, 0, overlap)) as Tensor4D;
      return tf.concat([shared, takeRows(rows, overlap, rows.shape[1] - overlap)], 1) as Tensor4D;
    });
    this.#pendingFirst = first;
    tf.dispose([before, rows]);
  }

  finish(): Tensor4D | undefined {
    if (this.#pending === undefined || this.#finished.length === 0) {
      return this.#pending;
    }
    const all = [...this.#finished, this.#pending];
    const whole = tf.concat(all, 1) as Tensor4D;
    tf.dispose(all);
    return whole;
  }
}
