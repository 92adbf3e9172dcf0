import { deserialize, serialize } from "node:v8";
import { crc32 } from "node:zlib";
import { z } from "zod";
import { lossSchema } from "../../src/contract/job.ts";
import { optionsSchema } from "../../src/contract/options.ts";

const VERSION = 2;
const pixelsSchema = z.custom<Float32Array>((value) => value instanceof Float32Array);

const checkpointSchema = z.strictObject({
  version: z.literal(VERSION),
  width: z.int().positive(),
  height: z.int().positive(),
  /** Rows of a strip at each scale of the run; Infinity for the picture whole. */
  stripRows: z.array(z.custom<number>((rows) => typeof rows === "number" && rows > 0)),
  /** Index of the scale, and the steps taken in it. */
  scale: z.int().min(0),
  stepInScale: z.int().min(0),
  image: pixelsSchema,
  optimizer: optionsSchema.shape.optimizer,
  optimizerState: z.record(z.string(), z.union([z.number(), pixelsSchema, z.array(pixelsSchema)])),
  loss: lossSchema.nullable(),
  checksum: z.int(),
});

/** What it takes to go on exactly from where a painting stood; `width` × `height` is the scale's size. */
export type Checkpoint = z.infer<typeof checkpointSchema>;

/** The bytes are no checkpoint, or one of another painting. */
export class CheckpointError extends Error {
  override readonly name = "CheckpointError";
}

export function writeCheckpoint(state: Omit<Checkpoint, "version" | "checksum">): Uint8Array {
  const checkpoint = { version: VERSION, ...state } as const;
  return serialize({ ...checkpoint, checksum: checksumOf(checkpoint) } satisfies Checkpoint);
}

/** @throws CheckpointError when the bytes are not what {@link writeCheckpoint} gave, or do not fit together */
export function readCheckpoint(bytes: Uint8Array): Checkpoint {
  let checkpoint: Checkpoint;
  try {
    checkpoint = checkpointSchema.parse(deserialize(bytes));
  } catch (cause) {
    throw new CheckpointError(`the checkpoint of ${bytes.length} bytes cannot be read`, { cause });
  }
  const { checksum, ...state } = checkpoint;
  if (checksumOf(state) !== checksum) {
    throw new CheckpointError(`the checkpoint of ${bytes.length} bytes is damaged: its checksum differs`);
  }
  const expected = checkpoint.width * checkpoint.height * 3;
  const tensors = Object.values(checkpoint.optimizerState).flat();
  const lengths = [checkpoint.image, ...tensors.filter((value) => typeof value === "object")].map(
    ({ length }) => length,
  );
  if (lengths.some((length) => length !== expected)) {
    throw new CheckpointError(`the checkpoint holds ${lengths} numbers, expected ${expected} each time`);
  }
  return checkpoint;
}

/** CRC-32 of every name and number: one flipped bit would be painted on without a sign. */
function checksumOf(value: unknown, sum = 0): number {
  if (value instanceof Float32Array) {
    return crc32(new Uint8Array(value.buffer, value.byteOffset, value.byteLength), sum);
  }
  if (typeof value === "object" && value !== null) {
    return Object.entries(value).reduce((total, [name, inner]) => checksumOf(inner, crc32(name, total)), sum);
  }
  return crc32(String(value), sum);
}
