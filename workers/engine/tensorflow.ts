import { createRequire } from "node:module";
import util from "node:util";
import type * as TensorFlow from "@tensorflow/tfjs-node-gpu";

// tfjs-node 4.22 calls util.isNullOrUndefined, which Node 23 removed.
if (!("isNullOrUndefined" in util)) {
  Object.assign(util, { isNullOrUndefined: (value: unknown) => value === null || value === undefined });
}

/** TensorFlow: the one door to it. Importing this loads the native library (about a second). */
export const tf = createRequire(import.meta.url)("@tensorflow/tfjs-node-gpu") as typeof TensorFlow;

export type Tensor = TensorFlow.Tensor;
export type Tensor1D = TensorFlow.Tensor1D;
export type Tensor2D = TensorFlow.Tensor2D;
export type Tensor3D = TensorFlow.Tensor3D;
/** A batch of one picture or feature map, `[1, height, width, channels]`. */
export type Tensor4D = TensorFlow.Tensor4D;

interface Attribute {
  name: string;
  type: number;
  value: unknown;
}

interface NativeBackend {
  isUsingGpuDevice: boolean;
  binding: Record<"TF_ATTR_INT" | "TF_ATTR_BOOL" | "TF_ATTR_TYPE" | "TF_ATTR_STRING" | "TF_FLOAT", number> & {
    TF_Version: string;
  };
  executeSingleOutput(operation: string, attributes: Attribute[], inputs: Tensor[]): Tensor;
  executeMultipleOutputs(
    operation: string,
    attributes: Attribute[],
    inputs: Tensor[],
    outputs: number,
  ): Tensor[];
}

function backend(): NativeBackend {
  return tf.backend() as unknown as NativeBackend;
}

export function isUsingGpu(): boolean {
  return backend().isUsingGpuDevice;
}

/** The version of the native library, for example `2.21.0`. */
export function tensorflowVersion(): string {
  return backend().binding.TF_Version;
}

/** Runs any kernel that TensorFlow has registered, by the name of its operation: float32 tensors in, one out. */
export function runKernel(
  operation: string,
  inputs: Tensor[],
  attributes: Record<string, AttributeValue> = {},
): Tensor {
  return backend().executeSingleOutput(operation, listOf(attributes), inputs);
}

/** The same for a kernel with more than one output. */
export function runKernelForMore(
  operation: string,
  inputs: Tensor[],
  outputs: number,
  attributes: Record<string, AttributeValue> = {},
): Tensor[] {
  return backend().executeMultipleOutputs(operation, listOf(attributes), inputs, outputs);
}

function listOf(attributes: Record<string, AttributeValue>): Attribute[] {
  const { binding } = backend();
  const typeOf = (value: AttributeValue) =>
    ({
      number: binding.TF_ATTR_INT,
      object: binding.TF_ATTR_INT,
      boolean: binding.TF_ATTR_BOOL,
      string: binding.TF_ATTR_STRING,
    })[typeof value as "number" | "object" | "boolean" | "string"];
  const list: Attribute[] = Object.entries(attributes).map(([name, value]) => ({
    name,
    type: typeOf(value),
    value,
  }));
  list.push({ name: "T", type: binding.TF_ATTR_TYPE, value: binding.TF_FLOAT });
  return list;
}

/** Integers, lists of integers, booleans and strings: the kinds of attribute that the engine's kernels take. */
export type AttributeValue = number | number[] | boolean | string;
