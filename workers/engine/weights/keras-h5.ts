import { access } from "node:fs/promises";
import { type Dataset, File, ready as libraryReady } from "h5wasm/node";
import { assembleWeights, type Vgg19Weights, WeightsError } from "./vgg19-weights.ts";

/**
 * Reads Keras's HDF5 file of VGG-19 (`vgg19_weights_tf_dim_ordering_tf_kernels_notop.h5` or the same with its
 * dense layers): groups named by layer that hold `<layer>_W_1:0` and `<layer>_b_1:0` (Keras 1 names), or
 * `<layer>/kernel:0` and `<layer>/bias:0` (Keras 2).
 *
 * @throws WeightsError naming the file, tensor or shape at fault.
 */
export async function loadKerasH5(path: string): Promise<Vgg19Weights> {
  const library = await libraryReady;
  // Otherwise the library prints its errors on stderr and goes on with invalid handles.
  library.activate_throwing_error_handler();
  const file = await open(path);
  try {
    return assembleWeights(path, (name) => {
      const [layer, kind] = name.split("/") as [string, "kernel" | "bias"];
      const short = kind === "kernel" ? "W" : "b";
      const candidates = [
        `${layer}/${layer}_${short}_1:0`,
        `${layer}/${layer}/${kind}:0`,
        `${layer}/${kind}:0`,
      ];
      for (const candidate of candidates) {
        const tensor = read(file, path, candidate);
        if (tensor !== undefined) {
          return tensor;
        }
      }
      return undefined;
    });
  } finally {
    file.close();
  }
}

async function open(path: string): Promise<File> {
  try {
    await access(path);
    return new File(path, "r");
  } catch (cause) {
    throw new WeightsError(`${path}: not a readable HDF5 file (${reasonOf(cause)})`, { cause });
  }
}

function read(file: File, path: string, name: string): { shape: number[]; values: Float32Array } | undefined {
  const dataset = attempt(path, name, () => datasetAt(file, name));
  if (dataset === undefined) {
    return undefined;
  }
  const values = attempt(path, name, () => dataset.value);
  if (!(values instanceof Float32Array)) {
    throw new WeightsError(`${path}: ${name} is of type ${String(dataset.dtype)}, expected float32`);
  }
  return { shape: dataset.shape ?? [], values };
}

function datasetAt(file: File, path: string): Dataset | undefined {
  const entity = file.get(path) ?? file.get(`model_weights/${path}`);
  return entity !== null && "value" in entity && "shape" in entity ? (entity as Dataset) : undefined;
}

function attempt<Value>(path: string, name: string, access: () => Value): Value {
  try {
    return access();
  } catch (cause) {
    throw new WeightsError(`${path}: ${name} cannot be read (${reasonOf(cause)})`, { cause });
  }
}

/** The library's messages are whole stacks; the innermost frame, their last, says what was wrong with the file. */
function reasonOf(cause: unknown): string {
  const message = cause instanceof Error ? cause.message : String(cause);
  return [...message.matchAll(/ in \w+\(\): (.+)$/gm)].at(-1)?.[1] ?? message;
}
