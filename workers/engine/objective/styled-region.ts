import type { Options } from "../../../src/contract/options.ts";
import type { Layer } from "../../../src/contract/vgg19-layers.ts";
import type { Size } from "../../../src/pictures/picture-size.ts";
import type { Kernels } from "../network/kernels.ts";
import { mapSize } from "../network/stages.ts";
import { mapOfPieces, type Tiling } from "../network/tiles.ts";
import { type Tensor, type Tensor3D, type Tensor4D, tf } from "../tensorflow.ts";
import { Guidance } from "./guidance.ts";
import { type StyleGradient, StyleLoss } from "./style-loss.ts";
import { blend, disposeOf, StatisticsAccumulator, type StyleStatistics } from "./style-statistics.ts";
import { StyleWindows } from "./style-windows.ts";

/** A style's picture and how much it counts among the styles of its region. */
export interface WeightedStyle {
  /** `[1, h, w, 3]`, RGB in [0, 1], of any size. */
  picture: Tensor4D;
  /** `[1, h, w, 1]`: how much of it counts at each pixel; all of it where left out. */
  visible?: Tensor4D | undefined;
  weight: number;
}

/** Part of the picture, and the styles it is painted in: their statistics are blended by their weights. */
export interface StyleRegion {
  styles: readonly WeightedStyle[];
  /** `[1, h, w, 1]` in [0, 1], of the picture's size; everywhere where left out. */
  where?: Tensor4D | undefined;
  /** How much the region counts, in proportion to its area. */
  weight: number;
}

/** Rows of a layer's feature map, from `firstRow` of the whole map on. */
export type See = (layer: Layer, features: Tensor4D, firstRow: number) => void;

type StyleOptions = Pick<Options, "loss" | "style_distance" | "style_windows">;

/** A layer's loss, and the windows of its feature map that it is taken in. */
interface LayerLoss {
  loss: StyleLoss;
  windows: StyleWindows;
}

/** The style's part of the objective in one region: statistics are taken where the region is, and pull only there. */
export class StyledRegion {
  readonly #options: StyleOptions;
  readonly #kernels: Kernels;
  readonly #where: Guidance | undefined;
  readonly #losses = new Map<Layer, LayerLoss>();
  #seen = new Map<Layer, StatisticsAccumulator>();
  #gradients = new Map<Layer, StyleGradient>();

  /**
   * @param size of the pictures to evaluate
   * @param layers with their weights, β included
   * @param look shows these layers' feature maps of a picture piece by piece
   */
  constructor(
    region: StyleRegion,
    size: Size,
    layers: readonly [Layer, number][],
    options: StyleOptions,
    look: (picture: Tensor4D, see: See) => void,
    kernels: Kernels,
  ) {
    this.#options = options;
    this.#kernels = kernels;
    this.#where = region.where && new Guidance(region.where);
    const weighted = layers
      .map(([layer, weight]): [Layer, number] => [
        layer,
        weight * region.weight * (this.#where?.share(layer) ?? 1),
      ])
      .filter(([, weight]) => weight > 0);
    const styles = region.styles.filter(({ weight }) => weight > 0);
    if (weighted.length === 0 || styles.length === 0) {
      return;
    }
    const statistics: Map<Layer, StyleStatistics>[] = [];
    try {
      for (const style of styles) statistics.push(this.#statisticsOf(style, weighted, look));
      for (const [layer, weight] of weighted) {
        const all = statistics.map((ofStyle) => ofStyle.get(layer) as StyleStatistics);
        const target = blend(
          all,
          styles.map((style) => style.weight),
        );
        const windows = new StyleWindows(mapSize(size, layer), options.style_windows);
        this.#losses.set(layer, { loss: new StyleLoss(target, weight, options), windows });
      }
    } catch (error) {
      disposeOf(...statistics.flatMap((ofStyle) => [...ofStyle.values()]));
      this.dispose();
      throw error;
    }
  }

  /** The layers whose feature maps it is to see. */
  get layers(): Layer[] {
    return [...this.#losses.keys()];
  }

  /** Takes in rows of a layer's feature map. */
  see(layer: Layer, features: Tensor4D, firstRow: number): void {
    const windows = this.#losses.get(layer)?.windows;
    if (windows === undefined) {
      return;
    }
    const accumulator =
      this.#seen.get(layer) ?? new StatisticsAccumulator(this.#options.style_distance, this.#kernels);
    this.#seen.set(layer, accumulator);
    const count = features.shape[1];
    const weights = this.#where?.rows(layer, firstRow, count);
    accumulator.add(features, weights, windows.tiling(firstRow, count));
    weights?.dispose();
  }

  /** The loss of each layer, once all rows were seen; from then on gradientAt() can be asked. */
  evaluate(): Tensor[] {
    const seen = [...this.#seen];
    this.#seen = new Map();
    this.#gradients = new Map();
    return seen.map(([layer, accumulator]) => {
      const { loss: formula, windows } = this.#losses.get(layer) as LayerLoss;
      const statistics = accumulator.finish(windows.shares);
      const { loss, ...gradient } = formula.evaluate(statistics, windows.shares);
      disposeOf(statistics);
      this.#gradients.set(layer, gradient);
      return loss;
    });
  }

  /** The gradient of the loss with respect to rows of a layer's feature map; undefined where it says nothing. */
  gradientAt(layer: Layer, features: Tensor4D, firstRow: number): Tensor4D | undefined {
    const gradient = this.#gradients.get(layer);
    const windows = this.#losses.get(layer)?.windows;
    if (gradient === undefined || windows === undefined) {
      return undefined;
    }
    const count = features.shape[1];
    const tiling = windows.tiling(firstRow, count);
    return tf.tidy(() => {
      const product = this.#kernels.tileProducts(features, gradient.matrix, tiling);
      const moved =
        gradient.offset === undefined ? product : tf.add<Tensor4D>(product, spread(gradient.offset, tiling));
      return this.#where === undefined
        ? moved
        : tf.mul<Tensor4D>(moved, this.#where.rows(layer, firstRow, count));
    });
  }

  #statisticsOf(
    { picture, visible }: WeightedStyle,
    layers: readonly [Layer, number][],
    look: (picture: Tensor4D, see: See) => void,
  ): Map<Layer, StyleStatistics> {
    const guidance = visible && new Guidance(visible);
    const sums = new Map(
      layers.map(([layer]) => [
        layer,
        new StatisticsAccumulator(this.#options.style_distance, this.#kernels),
      ]),
    );
    try {
      look(picture, (layer, features, firstRow) => {
        const weights = guidance?.rows(layer, firstRow, features.shape[1]);
        sums.get(layer)?.add(features, weights);
        weights?.dispose();
      });
      return new Map([...sums].map(([layer, sum]) => [layer, sum.finish()]));
    } finally {
      guidance?.dispose();
      for (const sum of sums.values()) sum.dispose();
    }
  }

  dispose(): void {
    // Of an evaluation that came to no end.
    for (const accumulator of this.#seen.values()) {
      accumulator.dispose();
    }
    for (const { loss } of this.#losses.values()) {
      loss.dispose();
    }
    this.#losses.clear();
    this.#where?.dispose();
  }
}

/** Each tile's values `[tiles, 1, n_C]` at all of its positions. */
function spread(values: Tensor3D, tiling: Tiling): Tensor4D {
  const channels = values.shape[2];
  return mapOfPieces(tiling, ({ tile, height, width }) =>
    values.slice(tile, 1).reshape([1, 1, 1, channels]).tile([1, height, width, 1]),
  );
}
