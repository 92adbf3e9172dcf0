import type { Layer } from "../../../src/contract/vgg19-layers.ts";
import { type Tensor1D, type Tensor2D, type Tensor4D, tf } from "../tensorflow.ts";
import { type Grid, HYPERCOLUMN_LAYERS } from "./grid.ts";
import type { LossContext, WeightedStyle } from "./loss.ts";
import { EPSILON, marginalOf, squaredNorm, type UnitColumns } from "./matching.ts";

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
  readonly #parts: Parts;

  private constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** @param columns of one picture; disposed of */
  static of(columns: LayerColumns): Hypercolumns {
    const means: LayerColumns = new Map();
    for (const [layer, rows] of columns) means.set(layer, tf.keep(rows.mean<Tensor2D>(0, true)));
    const length = normOf(columns);
    replace(columns, (rows, layer) => tf.sub(rows, means.get(layer) as Tensor2D));
    const norm = normOf(columns);
    replace(columns, (rows) => rows.div(norm));
    const picture = tf.keep(tf.zeros([norm.shape[0]], "int32") as Tensor1D);
    return new Hypercolumns({ unit: columns, means, norm, length, picture });
  }

  /** Those of several pictures together, each centred by itself; disposes of them. */
  static together(all: readonly Hypercolumns[]): Hypercolumns {
    const [first] = all as [Hypercolumns];
    if (all.length === 1) return first;
    const parts = all.map((one) => one.#parts);
    const byLayer = (name: "unit" | "means"): LayerColumns =>
      new Map(
        HYPERCOLUMN_LAYERS.map((layer) => [
          layer,
          joined(parts.map((part) => part[name].get(layer) as Tensor2D)),
        ]),
      );
    const pictures = parts.map(({ picture }, index) =>
      tf.tidy(() => picture.add<Tensor1D>(tf.scalar(index, "int32"))),
    );
    tf.dispose(parts.map(({ picture }) => picture));
    return new Hypercolumns({
      ...{ unit: byLayer("unit"), means: byLayer("means"), picture: joined(pictures) },
      ...{ norm: joined(parts.map(({ norm }) => norm)), length: joined(parts.map(({ length }) => length)) },
    });
  }

  get count(): number {
    return this.#parts.norm.shape[0];
  }

  get unit(): UnitColumns {
    return [...this.#parts.unit.values()];
  }

  /** A layer's part of some columns as they were before, divided by their norms. */
  original(layer: Layer, positions: Tensor1D): Tensor2D {
    const { unit, means, norm, length, picture } = this.#parts;
    return tf.tidy(() => {
      const at = (part: Tensor2D | undefined) => tf.gather(part as Tensor2D, positions) as Tensor2D;
      const mean = tf.gather(means.get(layer) as Tensor2D, tf.gather(picture, positions)) as Tensor2D;
      return at(unit.get(layer)).mul(at(norm)).add(mean).div(at(length));
    });
  }

  disposeOf(layer: Layer): void {
    this.#parts.unit.get(layer)?.dispose();
  }

  dispose(): void {
    const { unit, means, norm, length, picture } = this.#parts;
    tf.dispose([...unit.values(), ...means.values(), norm, length, picture]);
  }
}

interface Parts {
  unit: LayerColumns;
  /** `[pictures, channels]`. */
  means: LayerColumns;
  /** Of the centred columns, `[positions, 1]`. */
  norm: Tensor2D;
  /** The norm of the columns as they were. */
  length: Tensor2D;
  /** The picture that each position is of, `[positions]`. */
  picture: Tensor1D;
}

/** Kept; disposes of the parts. */
function joined<Kind extends Tensor1D | Tensor2D>(parts: Kind[]): Kind {
  const whole = tf.keep(tf.concat(parts as Tensor2D[], 0)) as Kind;
  tf.dispose(parts);
  return whole;
}

/** Of each position's columns, `[positions, 1]`; kept. */
function normOf(columns: LayerColumns): Tensor2D {
  return tf.keep(
    tf.tidy(() => {
      const squares = [...columns.values()].map((rows) => squaredNorm(rows));
      return tf.maximum(tf.addN(squares).sqrt(), EPSILON) as Tensor2D;
    }),
  );
}

function replace(columns: LayerColumns, f: (rows: Tensor2D, layer: Layer) => Tensor2D): void {
  for (const [layer, rows] of columns) {
    columns.set(layer, tf.keep(f(rows, layer)));
    rows.dispose();
  }
}

/** @param picture `[1, h, w, 3]` */
export function hypercolumnsOf(context: LossContext, grid: Grid, picture: Tensor4D): Hypercolumns {
  return Hypercolumns.of(captureColumns(context, grid, picture));
}

/** Those of a region's styles that can be chosen, and how much each counts. */
export function styleHypercolumns(
  context: LossContext,
  grid: Grid,
  styles: readonly WeightedStyle[],
): { columns: Hypercolumns; marginal: Tensor1D } {
  const each = styles.map((style) => choosableHypercolumns(context, grid, style));
  const marginal = tf.keep(marginalOf(styles.map(({ weight }, index) => [weight, each[index]?.count ?? 0])));
  return { columns: Hypercolumns.together(each), marginal };
}

function choosableHypercolumns(context: LossContext, grid: Grid, style: WeightedStyle): Hypercolumns {
  const columns = captureColumns(context, grid, style.picture);
  const chosen = choosable(grid, style, columns.get("block1_conv1")?.shape[0] ?? 0);
  if (chosen !== undefined) {
    for (const [layer, rows] of columns) {
      columns.set(layer, tf.keep(tf.gather(rows, chosen)));
      rows.dispose();
    }
    chosen.dispose();
  }
  return Hypercolumns.of(columns);
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
