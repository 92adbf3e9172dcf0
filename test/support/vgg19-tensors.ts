import { VGG19_LAYERS } from "../../src/contract/vgg19-layers.ts";
import { layerChannels } from "../../workers/engine/weights/vgg19-weights.ts";

/** How a tensor is stored: as float32, or as integers n that stand for n · scale + min. */
export type Storage = "float32" | "uint8" | "uint16";

/** A tensor of VGG-19 by its Keras name. */
export interface NamedTensor {
  name: string;
  shape: number[];
  /** The bytes in a file. */
  stored: Buffer;
  /** The float32 values that they stand for, exact. */
  values: Buffer;
}

export const QUANTIZATION = {
  uint8: { dtype: "uint8", scale: 1 / 64, min: -2 },
  uint16: { dtype: "uint16", scale: 1 / 16_384, min: -2 },
};

/** All tensors of VGG-19's convolutions at their full shapes, `layer/kernel` and `layer/bias`, in order. */
export function vgg19Tensors(storage: Storage): NamedTensor[] {
  return VGG19_LAYERS.flatMap((layer, index) => {
    const { inputs, outputs } = layerChannels(layer);
    return [
      pattern(`${layer}/kernel`, [3, 3, inputs, outputs], storage, 2 * index),
      pattern(`${layer}/bias`, [outputs], storage, 2 * index + 1),
    ];
  });
}

/** Repeats 251 numbers, a prime, so that no two rows are alike; `salt` makes each tensor different. */
function pattern(name: string, shape: number[], storage: Storage, salt: number): NamedTensor {
  const size = shape.reduce((product, length) => product * length, 1);
  const numbers = Array.from({ length: 251 }, (_, index) => index * 263 + salt * 1009);
  const repeat = (period: Uint8Array | Uint16Array | Float32Array) =>
    Buffer.alloc(size * period.BYTES_PER_ELEMENT, Buffer.from(period.buffer));
  if (storage === "float32") {
    const values = repeat(Float32Array.from(numbers, (number) => number / 8192 - 4));
    return { name, shape, stored: values, values };
  }
  const whole = storage === "uint8" ? Uint8Array.from(numbers) : Uint16Array.from(numbers);
  const { scale, min } = QUANTIZATION[storage];
  const values = repeat(Float32Array.from(whole, (number) => number * scale + min));
  return { name, shape, stored: repeat(whole), values };
}

/** Whether an array holds exactly these bytes. Jest's comparison takes minutes for millions of numbers. */
export function holds({ buffer, byteOffset, byteLength }: Float32Array, values: Buffer): boolean {
  return Buffer.from(buffer, byteOffset, byteLength).equals(values);
}
