import type { Layer } from "../../../src/contract/vgg19-layers.ts";
import { type Tensor, type Tensor1D, type Tensor2D, type Tensor4D, tf } from "../tensorflow.ts";
import { Grid, HYPERCOLUMN_LAYERS } from "./grid.ts";
import type { FeatureLoss, LossContext } from "./loss.ts";
import { dotOfRows } from "./matching.ts";
import { type NeighborTargets, neighborTargets } from "./neighbor-targets.ts";
import { weightsAt } from "./weights.ts";

/**
 * Nearest neighbours of hypercolumns (Kolkin et al. 2022): at the start of a scale every position of the picture takes a
 * position of the style as its target, in balance (see matching.ts), by a mix of the content and the picture as it stands.
 * The loss is mean(W − ⟨x, T⟩ / ‖x‖) over the picture's hypercolumns x. T is the sum of the targets, each of norm 1, of all
 * styles and regions by their weights, and W the sum of these weights: for one style everywhere it is mean(1 − cos(x, T)).
 */
export function createNeighborLoss(context: LossContext): FeatureLoss | undefined {
  const { options, phase, size } = context;
  const { style } = weightsAt(size, options);
  if (options.style_distance !== "neighbors" || phase !== "shapes" || style === 0) return undefined;
  return new NeighborLoss(context);
}

/** What is known of the positions between the way forward and the way back, `[positions, 1]`. */
interface Cosines {
  dot: Tensor2D;
  norm: Tensor2D;
}

class NeighborLoss implements FeatureLoss {
  readonly layers = HYPERCOLUMN_LAYERS;
  readonly #grid: Grid;
  readonly #targets: NeighborTargets;
  #pieces = new Map<Layer, { dot: Tensor1D; square: Tensor1D }[]>();
  #cosines: Cosines | undefined;

  constructor(context: LossContext) {
    this.#grid = new Grid(context.size);
    this.#targets = neighborTargets(context, this.#grid);
  }

  onFeatures(layer: Layer, features: Tensor4D, firstRow: number): void {
    const target = this.#targets.byLayer.get(layer);
    if (target === undefined) return;
    const [dot, square] = tf.tidy(() => {
      const { rows, own } = this.#rowsOf(layer, target, features, firstRow);
      return [dotOfRows(rows, own), dotOfRows(rows, rows)] as const;
    });
    const pieces = this.#pieces.get(layer) ?? [];
    pieces.push({ dot: tf.keep(dot), square: tf.keep(square) });
    this.#pieces.set(layer, pieces);
  }

  evaluate(): Tensor {
    const pieces = [...this.#pieces.values()];
    this.#pieces = new Map();
    this.#disposeCosines();
    const sum = (part: "dot" | "square") =>
      tf
        .addN(pieces.map((ofLayer) => tf.concat(ofLayer.map((piece) => piece[part]))))
        .reshape<Tensor2D>([-1, 1]);
    const [dot, norm, loss] = tf.tidy(() => {
      const dot = sum("dot");
      const norm = tf.maximum(sum("square").sqrt(), 1e-8) as Tensor2D;
      const loss = tf.sub(this.#targets.totalWeight, dot.div(norm).sum()).div(dot.size);
      return [dot, norm, loss] as const;
    });
    tf.dispose(pieces.flat().flatMap(({ dot, square }) => [dot, square]));
    this.#cosines = { dot: tf.keep(dot), norm: tf.keep(norm) };
    return loss;
  }

  /** −(T / ‖x‖ − ⟨x, T⟩ · x / ‖x‖³) / positions. */
  gradientAt(layer: Layer, features: Tensor4D, firstRow: number): Tensor4D | undefined {
    const target = this.#targets.byLayer.get(layer);
    if (target === undefined || this.#cosines === undefined) return undefined;
    const { dot, norm } = this.#cosines;
    return tf.tidy(() => {
      const { rows, own, first, shape } = this.#rowsOf(layer, target, features, firstRow);
      const [ownDot, ownNorm] = [dot, norm].map((all) => all.slice(first, rows.shape[0])) as [
        Tensor2D,
        Tensor2D,
      ];
      const along = rows.mul(ownDot.div(ownNorm.square()));
      const gradient = tf.sub(along, own).div<Tensor2D>(ownNorm.mul(dot.size));
      return this.#grid.gradient(layer, gradient.reshape(shape), features.shape);
    });
  }

  state(): Tensor[] {
    return this.#targets.matches;
  }

  dispose(): void {
    tf.dispose([...this.#pieces.values()].flat().flatMap(({ dot, square }) => [dot, square]));
    tf.dispose([...this.#targets.byLayer.values(), ...this.#targets.matches]);
    this.#disposeCosines();
  }

  #disposeCosines(): void {
    if (this.#cosines !== undefined) tf.dispose([this.#cosines.dot, this.#cosines.norm]);
    this.#cosines = undefined;
  }

  /** Positions of the grid that rows of a layer's map cover, and their targets. */
  #rowsOf(layer: Layer, target: Tensor2D, features: Tensor4D, firstRow: number) {
    const grid = this.#grid.resample(layer, features);
    const rows = grid.reshape<Tensor2D>([-1, grid.shape[3]]);
    const first = this.#grid.rowOf(layer, firstRow) * grid.shape[2];
    const isWhole = rows.shape[0] === target.shape[0];
    return { rows, first, shape: grid.shape, own: isWhole ? target : target.slice(first, rows.shape[0]) };
  }
}
