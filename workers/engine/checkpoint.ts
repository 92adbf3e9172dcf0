import { closeSync, fstatSync, openSync, readSync, rmSync, writeSync } from "node:fs";
import { crc32 } from "node:zlib";
import { z } from "zod";
import { lossSchema } from "../../src/contract/job.ts";
import { optionsSchema } from "../../src/contract/options.ts";
import type { OptimizerState, OptimizerValues } from "./optimizers/optimizer.ts";
import type { Scale } from "./schedule.ts";
import type { Tensor4D } from "./tensorflow.ts";

const VERSION = 4;
/** No header is longer. */
const HEADER_BYTES = 65_536;
const FLOAT_BYTES = 4;
const CHECKSUM_BYTES = 4;

/** Rows of a strip; a picture that is computed whole has no number, which JSON cannot say as Infinity. */
const stripRowsSchema = z
  .number()
  .positive()
  .nullable()
  .transform((rows) => rows ?? Number.POSITIVE_INFINITY);

const headerSchema = z.strictObject({
  version: z.literal(VERSION),
  width: z.int().positive(),
  height: z.int().positive(),
  stripRows: z.array(stripRowsSchema),
  scale: z.int().min(0),
  stepInScale: z.int().min(0),
  optimizer: optionsSchema.shape.optimizer,
  /** Numbers as they are; of tensors, how many lie under the name: one, or a list of so many. */
  optimizerState: z.record(
    z.string(),
    z.union([
      z.number(),
      z.strictObject({ tensor: z.literal(1) }),
      z.strictObject({ tensors: z.int().min(0).max(1000) }),
    ]),
  ),
  objective: z.string(),
  loss: lossSchema.nullable(),
});
type Header = z.infer<typeof headerSchema>;

/** What it takes to go on exactly from where a painting stands. `Picture` is how the pictures of it are held. */
interface State<Picture, OptimizerPart> {
  /** The scale's size. */
  width: number;
  height: number;
  /** Rows of a strip at each scale of the run; Infinity for the picture whole. */
  stripRows: number[];
  /** Index of the scale, and the steps taken in it. */
  scale: number;
  stepInScale: number;
  image: Picture;
  optimizer: Header["optimizer"];
  optimizerState: OptimizerPart;
  /** The weights that it was painted with: where they have changed since, the optimiser's state is of another loss. */
  objective: string;
  loss: Header["loss"];
}

export type Checkpoint = State<Float32Array, OptimizerValues>;

/** The bytes are no checkpoint, or one of another painting. */
export class CheckpointError extends Error {
  override readonly name = "CheckpointError";
}

/**
 * Writes a new file: a line of JSON, then the pictures as float32 in this machine's order of bytes, one after the
 * other, so that L-BFGS's memory, which may be gigabytes, is never there twice; at last the CRC-32 of all that, as
 * one flipped bit would be painted on without a sign. A file that could not be written whole is removed, and the
 * error thrown.
 */
export function writeCheckpoint(path: string, state: State<Tensor4D, OptimizerState>): void {
  const { image, optimizerState, ...rest } = state;
  const shapes = Object.entries(optimizerState).map(([name, value]) => [
    name,
    typeof value === "number" ? value : Array.isArray(value) ? { tensors: value.length } : { tensor: 1 },
  ]);
  const header = { version: VERSION, ...rest, optimizerState: Object.fromEntries(shapes) };
  const tensors = Object.values(optimizerState)
    .flat()
    .filter((value) => typeof value !== "number");
  const file = openSync(path, "wx", 0o640);
  try {
    let sum = writeWhole(file, Buffer.from(`${JSON.stringify(header)}\n`));
    for (const tensor of [image, ...tensors]) sum = writeWhole(file, tensor.dataSync<"float32">(), sum);
    writeWhole(file, Uint32Array.of(sum));
  } catch (error) {
    rmSync(path, { force: true });
    throw error;
  } finally {
    closeSync(file);
  }
}

/** @throws CheckpointError unless the checkpoint is of a painting with these scales and their optimisers */
export function readCheckpointOf(path: string, scales: readonly Scale[]): Checkpoint {
  const checkpoint = readCheckpoint(path);
  const { width, height, stripRows, stepInScale, optimizer } = checkpoint;
  const scale = scales[checkpoint.scale];
  const isOwn =
    scale?.width === width &&
    scale.height === height &&
    scale.steps >= stepInScale &&
    stripRows.length === scales.length &&
    scale.optimizer === optimizer;
  if (!isOwn) {
    throw new CheckpointError(
      `the checkpoint is of another painting: ${optimizer}, scale ${checkpoint.scale} of ${width} × ${height}, step ${stepInScale}`,
    );
  }
  return checkpoint;
}

/** @throws CheckpointError when the file is not what {@link writeCheckpoint} wrote, or not all of it */
function readCheckpoint(path: string): Checkpoint {
  const file = openSync(path, "r");
  try {
    const { size } = fstatSync(file);
    const { header, text } = readHeader(file, size);
    const floats = header.width * header.height * 3;
    const shapes = Object.values(header.optimizerState);
    const pictures = shapes.reduce<number>((sum, shape) => sum + countOf(shape), 1);
    const expected = text.length + pictures * floats * FLOAT_BYTES + CHECKSUM_BYTES;
    if (size !== expected) {
      throw new CheckpointError(`the checkpoint has ${size} bytes, expected ${expected}`);
    }
    let position = text.length;
    let sum = crc32(text);
    const next = (): Float32Array => {
      const values = new Float32Array(floats);
      sum = readWhole(file, values, position, sum);
      position += values.byteLength;
      return values;
    };
    const image = next();
    const optimizerState: OptimizerValues = {};
    for (const [name, shape] of Object.entries(header.optimizerState)) {
      if (typeof shape === "number") optimizerState[name] = shape;
      else optimizerState[name] = "tensor" in shape ? next() : Array.from({ length: shape.tensors }, next);
    }
    const stored = new Uint32Array(1);
    readWhole(file, stored, position);
    if (stored[0] !== sum) {
      throw new CheckpointError(`the checkpoint of ${size} bytes is damaged: its checksum differs`);
    }
    const { version: _, ...rest } = header;
    return { ...rest, image, optimizerState };
  } finally {
    closeSync(file);
  }
}

function readHeader(file: number, size: number): { header: Header; text: Uint8Array } {
  try {
    const start = Buffer.alloc(Math.min(HEADER_BYTES, size));
    readWhole(file, start, 0);
    const text = start.subarray(0, start.indexOf("\n") + 1);
    return { header: headerSchema.parse(JSON.parse(text.toString())), text };
  } catch (cause) {
    throw new CheckpointError(`the checkpoint of ${size} bytes cannot be read`, { cause });
  }
}

function countOf(shape: Header["optimizerState"][string]): number {
  if (typeof shape === "number") return 0;
  return "tensor" in shape ? 1 : shape.tensors;
}

/** Gives the CRC-32 of these bytes and those before them, whose it is `sum`. */
function writeWhole(file: number, values: ArrayBufferView, sum = 0): number {
  const bytes = bytesOf(values);
  for (let done = 0; done < bytes.length; ) done += writeSync(file, bytes, done);
  return crc32(bytes, sum);
}

/** As `writeWhole`. */
function readWhole(file: number, values: ArrayBufferView, position: number, sum = 0): number {
  const bytes = bytesOf(values);
  for (let done = 0; done < bytes.length; ) {
    const count = readSync(file, bytes, done, bytes.length - done, position + done);
    if (count === 0) throw new CheckpointError("the checkpoint ends too soon");
    done += count;
  }
  return crc32(bytes, sum);
}

const bytesOf = (values: ArrayBufferView) =>
  new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
