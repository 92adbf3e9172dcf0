import { type Layer, VGG19_LAYERS } from "../../../src/contract/vgg19-layers.ts";

/** One convolution: `kernel` is `[3, 3, inputs, outputs]` in row-major order, `bias` is `[outputs]`. */
export interface LayerWeights {
  inputs: number;
  outputs: number;
  kernel: Float32Array;
  bias: Float32Array;
}

/** The convolutions of VGG-19 for input in BGR, 0–255, minus the mean (the Keras/Caffe convention). */
export type Vgg19Weights = Readonly<Record<Layer, LayerWeights>>;

/** Weights that are missing, damaged or of another network; the message names what and where. */
export class WeightsError extends Error {
  override readonly name = "WeightsError";
}

const BLOCK_WIDTHS = [64, 128, 256, 512, 512];

/** The channels that go into and come out of a layer of VGG-19, `divisor` times narrower. */
export function layerChannels(layer: Layer, divisor = 1): { inputs: number; outputs: number } {
  const outputsOf = (name: Layer) => (BLOCK_WIDTHS[Number(name[5]) - 1] ?? 0) / divisor;
  const before = VGG19_LAYERS[VGG19_LAYERS.indexOf(layer) - 1];
  return { inputs: before === undefined ? 3 : outputsOf(before), outputs: outputsOf(layer) };
}

/** Collects a network's tensors by the Keras names `layer/kernel` and `layer/bias`, and checks every shape. */
export function assembleWeights(
  source: string,
  find: (name: string) => { shape: readonly number[]; values: Float32Array } | undefined,
): Vgg19Weights {
  const take = (name: string, shape: number[]) => {
    const tensor = find(name);
    if (tensor === undefined) {
      throw new WeightsError(`${source}: ${name} is missing`);
    }
    if (tensor.shape.length !== shape.length || shape.some((length, axis) => tensor.shape[axis] !== length)) {
      throw new WeightsError(`${source}: ${name} has shape [${tensor.shape}], expected [${shape}]`);
    }
    return tensor.values;
  };
  const weights = VGG19_LAYERS.map((layer) => {
    const { inputs, outputs } = layerChannels(layer);
    const kernel = take(`${layer}/kernel`, [3, 3, inputs, outputs]);
    return [layer, { inputs, outputs, kernel, bias: take(`${layer}/bias`, [outputs]) }];
  });
  return Object.fromEntries(weights);
}
