import type { Layer } from "../../../src/contract/vgg19-layers.ts";
import { blockOf } from "../network/stages.ts";
import { type Tensor4D, tf } from "../tensorflow.ts";

/** Below this share of a picture there is nothing to look at. */
const LEAST_SHARE = 1e-4;

/**
 * How much each position of a picture counts, at the resolution of every layer of VGG-19 (Gatys et al. 2017, spatial
 * guidance channels): a mask averaged over the pixels that a position stands for.
 */
export class Guidance {
  /** By block, `[1, h, w, 1]`: half the block before in each edge, as VGG-19's pooling leaves it. */
  readonly #blocks: Tensor4D[];
  /** Mean of each block's mask. */
  readonly #shares: number[];

  /** @param mask `[1, h, w, 1]` in [0, 1]; kept by its owner */
  constructor(mask: Tensor4D) {
    this.#blocks = [tf.keep(mask.clone())];
    for (let block = 1; block < 5 && Math.min(...this.#sizeOf(block - 1)) >= 2; block += 1) {
      const before = this.#blocks[block - 1] as Tensor4D;
      this.#blocks.push(tf.keep(tf.avgPool(before, 2, 2, "valid")));
    }
    this.#shares = this.#blocks.map((weights) => tf.tidy(() => weights.mean().dataSync()[0] ?? 0));
  }

  /** The part of the picture that counts at a layer, 0 to 1. */
  share(layer: Layer): number {
    const share = this.#shares[blockOf(layer)] ?? 0;
    return share < LEAST_SHARE ? 0 : share;
  }

  /** At the picture's own resolution, `[1, h, w, 1]`. */
  get mask(): Tensor4D {
    return this.#blocks[0] as Tensor4D;
  }

  /** Weights of a layer's whole feature map, `[1, rows, columns, 1]`. */
  map(layer: Layer): Tensor4D {
    return this.#blocks[blockOf(layer)] as Tensor4D;
  }

  /** Weights of `count` rows of a layer's feature map from `firstRow` on, `[1, rows, columns, 1]`. */
  rows(layer: Layer, firstRow: number, count: number): Tensor4D {
    const weights = this.#blocks[blockOf(layer)] as Tensor4D;
    const [, height, width] = weights.shape;
    return count === height ? weights.clone() : weights.slice([0, firstRow, 0, 0], [1, count, width, 1]);
  }

  dispose(): void {
    tf.dispose(this.#blocks);
  }

  #sizeOf(block: number): [number, number] {
    const [, height, width] = (this.#blocks[block] as Tensor4D).shape;
    return [height, width];
  }
}
