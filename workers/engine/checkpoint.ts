import { closeSync, fstatSync, openSync, readSync, rmSync, writeSync } from "node:fs";
import { crc32 } from "node:zlib";
import { z } from "zod";
import { lossSchema } from "../../src/contract/job.ts";
import type { AdamState } from "./optimizers/adam.ts";
import type { Scale } from "./schedule.ts";
import { type Tensor, tf } from "./tensorflow.ts";

const VERSION = 5;
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

const stateSchema = z.strictObject({
  width: z.int().positive(),
  height: z.int().positive(),
  phase: z.enum(["shapes", "details"]),
  /** At each scale of the run; Infinity for the picture whole. */
  stripRows: z.array(stripRowsSchema),
  /** Index of the scale, and the steps taken in it. */
  scale: z.int().min(0),
  stepInScale: z.int().min(0),
  optimizer: z.strictObject({ step: z.number(), learningRate: z.number(), backtracks: z.number() }),
  /** The weights that it was painted with: if they have changed since, the optimiser's state is of another loss. */
  objective: z.string(),
  loss: lossSchema.nullable(),
});
const headerSchema = stateSchema.extend({
  version: z.literal(VERSION),
  /** How many numbers each tensor has, by name. */
  tensors: z.record(
    z.string(),
    z.array(
      z
        .int()
        .min(0)
        .max(2 ** 28),
    ),
  ),
});
type Header = z.infer<typeof headerSchema>;

/** What it takes to go on exactly from where a painting stands, without its tensors. */
export type CheckpointState = z.infer<typeof stateSchema>;
/** Lists of tensors by name. */
export type Tensors<Values> = Record<string, readonly Values[]>;
export type Checkpoint = CheckpointState & { tensors: Tensors<Float32Array> };

/** The bytes are no checkpoint, or one of another painting. */
export class CheckpointError extends Error {
  override readonly name = "CheckpointError";
}

/**
 * Writes a new file: a line of JSON, then the tensors as float32 in this machine's order of bytes, one after the other, at
 * last the CRC-32 of all that, as one flipped bit would be painted on without a sign. A file that could not be written
 * whole is removed, and the error thrown.
 */
export function writeCheckpoint(path: string, state: CheckpointState, tensors: Tensors<Tensor>): void {
  const lengths = Object.entries(tensors).map(([name, list]) => [name, list.map(({ size }) => size)]);
  const header: Header = { version: VERSION, ...state, tensors: Object.fromEntries(lengths) };
  const file = openSync(path, "wx", 0o640);
  try {
    let sum = writeWhole(file, Buffer.from(`${JSON.stringify(header)}\n`));
    for (const tensor of Object.values(tensors).flat()) {
      sum = writeWhole(file, Float32Array.from(tensor.dataSync()), sum);
    }
    writeWhole(file, Uint32Array.of(sum));
  } catch (error) {
    rmSync(path, { force: true });
    throw error;
  } finally {
    closeSync(file);
  }
}

/** @throws CheckpointError unless the checkpoint is of a painting with these scales */
export function readCheckpointOf(path: string, scales: readonly Scale[]): Checkpoint {
  const checkpoint = readCheckpoint(path);
  const { width, height, phase, stripRows, stepInScale } = checkpoint;
  const scale = scales[checkpoint.scale];
  const isOwn =
    scale?.width === width &&
    scale.height === height &&
    scale.phase === phase &&
    scale.steps >= stepInScale &&
    stripRows.length === scales.length;
  if (!isOwn) {
    throw new CheckpointError(
      `the checkpoint is of another painting: scale ${checkpoint.scale} of ${width} × ${height}, ${phase}, step ${stepInScale}`,
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
    const floats = Object.values(header.tensors)
      .flat()
      .reduce((sum, length) => sum + length, 0);
    const expected = text.length + floats * FLOAT_BYTES + CHECKSUM_BYTES;
    if (size !== expected) {
      throw new CheckpointError(`the checkpoint has ${size} bytes, expected ${expected}`);
    }
    let position = text.length;
    let sum = crc32(text);
    const next = (length: number): Float32Array => {
      const values = new Float32Array(length);
      sum = readWhole(file, values, position, sum);
      position += values.byteLength;
      return values;
    };
    const { version: _, tensors: lengths, ...state } = header;
    const tensors = Object.fromEntries(Object.entries(lengths).map(([name, list]) => [name, list.map(next)]));
    const stored = new Uint32Array(1);
    readWhole(file, stored, position);
    if (stored[0] !== sum) {
      throw new CheckpointError(`the checkpoint of ${size} bytes is damaged: its checksum differs`);
    }
    return { ...state, tensors };
  } finally {
    closeSync(file);
  }
}

/** The optimiser's part of a checkpoint. */
export function adamState({ optimizer: numbers, tensors }: Checkpoint): AdamState<Float32Array> {
  const list = (name: string) => [...(tensors[name] ?? [])];
  return {
    numbers,
    tensors: {
      ...{ parameters: list("parameters"), means: list("means") },
      ...{ variances: list("variances"), previous: list("previous") },
    },
  };
}

/** What the losses had stored; its tensors are added to `owned`. */
export function storedTargets(tensors: Tensors<Float32Array>, owned: Tensor[]): Map<string, Tensor[]> {
  return new Map(
    Object.entries(tensors).map(([name, list]) => {
      const values = list.map((numbers) => tf.tensor1d(numbers));
      owned.push(...values);
      return [name, values];
    }),
  );
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
