import { readConfig } from "../../../src/config.ts";
import type { Layer } from "../../../src/contract/vgg19-layers.ts";
import { ROOT } from "../../../src/root.ts";
import { chooseKernels } from "../../../workers/engine/network/choose-kernels.ts";
import { Pass } from "../../../workers/engine/network/pass.ts";
import { Vgg19 } from "../../../workers/engine/network/vgg19.ts";
import { type Tensor2D, tf } from "../../../workers/engine/tensorflow.ts";
import { findWeights } from "../../../workers/engine/weights/find-weights.ts";
import { loadWeights } from "../../../workers/engine/weights/load.ts";
import { type RgbPicture, scaleBetween } from "./planes.ts";

/**
 * A layer that no method's objective reads: the presets' matches end at block4_conv3, and `classic` and the peers read the
 * first or last layers of block 5.
 */
const LAYER: Layer = "block4_conv4";

export interface StyleScore {
  /** How near each patch of the picture is to its nearest patch of the style. */
  style: number;
  /** How near each patch of the style is to its nearest patch of the picture: low if most of the style is missing. */
  coverage: number;
}

/** Similarity of the nearest patches, by features of VGG-19. A patch is what one position of a deep layer sees. */
export class StyleMeasure {
  /** @param weights "random:SEED:DIVISOR" for those that are not trained */
  static async load(weights = findWeights(ROOT, readConfig().vgg19Weights ?? undefined)) {
    return new StyleMeasure(new Vgg19(await loadWeights(weights), chooseKernels()));
  }

  private constructor(private readonly network: Vgg19) {}

  /** 0 is the untouched content, 1 the style itself. */
  score(picture: RgbPicture, content: RgbPicture, style: RgbPicture): StyleScore {
    return tf.tidy(() => {
      const target = this.#patches(style);
      const [own, floor] = [picture, content].map((one) => nearestCosines(this.#patches(one), target));
      return {
        style: scaleBetween(own?.style ?? Number.NaN, floor?.style ?? Number.NaN, 1),
        coverage: scaleBetween(own?.coverage ?? Number.NaN, floor?.coverage ?? Number.NaN, 1),
      };
    });
  }

  /** `[positions, channels]` */
  #patches({ width, height, data }: RgbPicture): Tensor2D {
    const pixels = tf.tensor4d(Float32Array.from(data), [1, height, width, 3]);
    const pass = new Pass(this.network, [LAYER], "max", Number.POSITIVE_INFINITY);
    let found: Tensor2D | undefined;
    pass.forward(pixels, (_, features) => {
      found = features.reshape([-1, features.shape[3]]);
    });
    pass.backward(pixels, () => undefined); // frees what the way forward kept
    if (found === undefined) throw new Error(`VGG-19 has no ${LAYER}.`);
    return found;
  }

  dispose(): void {
    this.network.dispose();
  }
}

/** The means of the largest cosines in both directions. Features are centred at the style's mean. */
function nearestCosines(picture: Tensor2D, style: Tensor2D): StyleScore {
  return tf.tidy(() => {
    const mean = style.mean(0, true);
    const unit = (rows: Tensor2D): Tensor2D => {
      const centred = rows.sub<Tensor2D>(mean);
      return centred.div(tf.maximum(centred.norm(2, 1, true), 1e-8));
    };
    const cosines = tf.matMul(unit(picture), unit(style), false, true);
    const average = (axis: 0 | 1) => cosines.max(axis).mean().dataSync<"float32">()[0] ?? Number.NaN;
    return { style: average(1), coverage: average(0) };
  });
}
