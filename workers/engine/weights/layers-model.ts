import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { z } from "zod";
import { assembleWeights, type Vgg19Weights, WeightsError } from "./vgg19-weights.ts";

const manifestSchema = z.object({
  weightsManifest: z.array(
    z.object({
      paths: z.array(z.string()),
      weights: z.array(
        z.object({
          name: z.string(),
          shape: z.array(z.int().positive()),
          dtype: z.literal("float32"),
          quantization: z
            .object({ dtype: z.enum(["uint8", "uint16"]), scale: z.number(), min: z.number() })
            .optional(),
        }),
      ),
    }),
  ),
});

type Entry = z.infer<typeof manifestSchema>["weightsManifest"][number]["weights"][number];

/**
 * Reads a TensorFlow.js layers model: `model.json` and the shards that it names, concatenated in order.
 * Quantised tensors (uint8, uint16) become byte · scale + min.
 *
 * @throws WeightsError naming the file, tensor or shape at fault.
 */
export async function loadLayersModel(modelPath: string): Promise<Vgg19Weights> {
  const tensors = new Map<string, { shape: number[]; values: Float32Array }>();
  for (const group of await readManifest(modelPath)) {
    const shards = await Promise.all(group.paths.map((path) => readShard(join(dirname(modelPath), path))));
    const bytes = Buffer.concat(shards);
    let offset = 0;
    for (const entry of group.weights) {
      const end = offset + byteLength(entry);
      if (end > bytes.length) {
        throw new WeightsError(
          `${modelPath}: the shards are truncated: ${entry.name} needs bytes ${offset} to ${end}, there are ${bytes.length}`,
        );
      }
      tensors.set(entry.name, { shape: entry.shape, values: decode(entry, bytes.subarray(offset, end)) });
      offset = end;
    }
    if (offset !== bytes.length) {
      throw new WeightsError(`${modelPath}: expected ${offset} bytes in the shards, found ${bytes.length}`);
    }
  }
  return assembleWeights(modelPath, (name) => tensors.get(name));
}

async function readManifest(modelPath: string) {
  try {
    return manifestSchema.parse(JSON.parse(await readFile(modelPath, "utf8"))).weightsManifest;
  } catch (cause) {
    throw new WeightsError(`${modelPath}: not a readable TensorFlow.js layers model (${messageOf(cause)})`, {
      cause,
    });
  }
}

async function readShard(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (cause) {
    throw new WeightsError(`${path}: the shard cannot be read (${messageOf(cause)})`, { cause });
  }
}

function elements(entry: Entry): number {
  return entry.shape.reduce((product, length) => product * length, 1);
}

function byteLength(entry: Entry): number {
  const width = { float32: 4, uint16: 2, uint8: 1 }[entry.quantization?.dtype ?? entry.dtype];
  return elements(entry) * width;
}

function decode(entry: Entry, bytes: Buffer): Float32Array {
  const own = new Uint8Array(bytes); // the typed arrays below need aligned memory
  if (entry.quantization === undefined) {
    return new Float32Array(own.buffer);
  }
  const { dtype, scale, min } = entry.quantization;
  const quantised = dtype === "uint8" ? own : new Uint16Array(own.buffer);
  const values = new Float32Array(quantised.length);
  for (const [index, value] of quantised.entries()) {
    values[index] = value * scale + min;
  }
  return values;
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
