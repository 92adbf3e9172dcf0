import type { Layer } from "../../../src/contract/vgg19-layers.ts";
import { type Tensor1D, type Tensor2D, type Tensor4D, tf } from "../tensorflow.ts";
import { type Grid, HYPERCOLUMN_LAYERS } from "./grid.ts";
import type { LossContext, WeightedStyle } from "./loss.ts";
import { EPSILON, squaredNorm, type UnitColumns } from "./matching.ts";

/** Style positions to choose from, at most: a larger style is thinned out. */
const STYLE_POSITIONS = 128 ** 2;
/** Below this share a style position is hidden, and cannot be chosen. */
export const LEAST_VISIBLE = 0.5;

type LayerColumns = Map<Layer, Tensor2D>;

/**
 * Hypercolumns of a picture's positions, centred and of norm 1. All of its tensors are kept. At 512 px they are 130 MB, so
 * they are captured, centred and scaled layer by layer.
 */
export class Hypercolumns {
  readonly #unit: LayerColumns;
  readonly #means: LayerColumns;
  /** Of the centred columns, `[positions, 1]`. */
  readonly #norm: Tensor2D;
  /** Of the columns as they were. */
  readonly #length: Tensor2D;

  /** @param columns disposed of */
  constructor(columns: LayerColumns) {
    this.#unit = columns;
    this.#means = new Map(
      [...columns].map(([layer, rows]) => [layer, tf.keep(rows.mean<Tensor2D>(0, true))]),
    );
    this.#length = this.#normOf();
    this.#replace((rows, layer) => tf.sub(rows, this.#means.get(layer) as Tensor2D));
    this.#norm = this.#normOf();
    this.#replace((rows) => rows.div(this.#norm));
  }

  get unit(): UnitColumns {
    return [...this.#unit.values()];
  }

  /** A layer's part of some columns as they were before, divided by their norms. */
  original(layer: Layer, positions: Tensor1D): Tensor2D {
    return tf.tidy(() => {
      const [unit, norm, length] = [this.#unit.get(layer) as Tensor2D, this.#norm, this.#length].map(
        (of) => tf.gather(of, positions) as Tensor2D,
      ) as [Tensor2D, Tensor2D, Tensor2D];
      return unit
        .mul(norm)
        .add(this.#means.get(layer) as Tensor2D)
        .div(length);
    });
  }

  disposeOf(layer: Layer): void {
    this.#unit.get(layer)?.dispose();
  }

  dispose(): void {
    tf.dispose([...this.#unit.values(), ...this.#means.values(), this.#norm, this.#length]);
  }

  #normOf(): Tensor2D {
    return tf.keep(
      tf.tidy(() => {
        const squares = [...this.#unit.values()].map((rows) => squaredNorm(rows));
        return tf.maximum(tf.addN(squares).sqrt(), EPSILON) as Tensor2D;
      }),
    );
  }

  #replace(f: (rows: Tensor2D, layer: Layer) => Tensor2D): void {
    for (const [layer, rows] of this.#unit) {
      this.#unit.set(layer, tf.keep(f(rows, layer)));
      rows.dispose();
    }
  }
}

/** @param picture `[1, h, w, 3]` */
export function hypercolumnsOf(context: LossContext, grid: Grid, picture: Tensor4D): Hypercolumns {
  return new Hypercolumns(captureColumns(context, grid, picture));
}

/** Those of a style that can be chosen: the visible ones. */
export function styleHypercolumns(context: LossContext, grid: Grid, style: WeightedStyle): Hypercolumns {
  const columns = captureColumns(context, grid, style.picture);
  const chosen = choosable(grid, style, columns.get("block1_conv1")?.shape[0] ?? 0);
  if (chosen !== undefined) {
    for (const [layer, rows] of columns) {
      columns.set(layer, tf.keep(tf.gather(rows, chosen)));
      rows.dispose();
    }
    chosen.dispose();
  }
  return new Hypercolumns(columns);
}

/** Indices of the positions that can be chosen; undefined if all can. */
function choosable(grid: Grid, { visible }: WeightedStyle, count: number): Tensor1D | undefined {
  const shares = visible && tf.tidy(() => grid.weights(visible).dataSync());
  const shown = Array.from({ length: count }, (_, position) => position).filter(
    (position) => shares === undefined || (shares[position] ?? 0) >= LEAST_VISIBLE,
  );
  if (shown.length === count && count <= STYLE_POSITIONS) return undefined;
  const some = shown.length === 0 ? [0] : shown;
  const length = Math.min(some.length, STYLE_POSITIONS);
  const indices = Array.from({ length }, (_, index) => Math.floor((index * some.length) / length));
  return tf.tensor1d(
    indices.map((index) => some[index] as number),
    "int32",
  );
}

/** Kept. */
function captureColumns({ capture }: LossContext, grid: Grid, picture: Tensor4D): LayerColumns {
  const pieces = new Map<Layer, Tensor2D[]>(HYPERCOLUMN_LAYERS.map((layer) => [layer, []]));
  const columns: LayerColumns = new Map();
  try {
    capture(picture, HYPERCOLUMN_LAYERS, (layer, features) => {
      const rows = tf.tidy(() => {
        const resampled = grid.resample(layer, features);
        return resampled.reshape<Tensor2D>([-1, resampled.shape[3]]);
      });
      pieces.get(layer)?.push(tf.keep(rows));
    });
    for (const [layer, rows] of pieces) {
      columns.set(layer, tf.keep(tf.concat(rows, 0)));
      tf.dispose(rows);
    }
    return columns;
  } catch (error) {
    tf.dispose([...columns.values(), ...[...pieces.values()].flat()]);
    throw error;
  }
}
