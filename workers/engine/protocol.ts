import { types } from "node:util";
import { z } from "zod";
import { engineSchema } from "../../src/contract/engine-description.ts";
import { progressSchema } from "../../src/contract/job.ts";
import type { Options } from "../../src/contract/options.ts";
import { jobErrorCodeSchema } from "../../src/contract/problems.ts";
import type { Mask, Raster } from "../../src/pictures/raster.ts";

/** What a painting is made from. */
export interface Pictures {
  /** The content at the result's size. */
  content: Raster;
  /** The styles, aspect ratio kept. */
  styles: Raster[];
  /** Where each style goes, of the content's size: one for each style, or none. */
  styleMasks?: Mask[] | undefined;
  /** What of the content stays as it is, of the content's size. */
  keepMask?: Mask | undefined;
  /** What the painting starts as where `init` is picture, of the content's size. */
  start?: Raster | undefined;
}

export interface PaintRequest {
  type: "paint";
  pictures: Pictures;
  options: Options;
  /** How often the options were changed before: progress carries the number of those that it was made with. */
  options_version: number;
  /** A file that a checkpoint of the same job was written to: go on from there. */
  checkpoint: string | null;
}

/** What is asked of the painting that is under way; without one it is dropped. */
export type ControlRequest =
  /** Other weights, from the next step on. */
  | { type: "update_options"; options: Options; options_version: number }
  /** Write a checkpoint to a new file at `path`. */
  | { type: "checkpoint"; path: string }
  /** End the painting with what it has, but not before its first step. */
  | { type: "finish" }
  | { type: "cancel" };

/** What the worker sends to its engine process (Node IPC, `serialization: "advanced"`): one painting at a time. */
export type EngineRequest = PaintRequest | ControlRequest;

/** Texts of an event are cut to this length. */
const TEXT_LENGTH = 2_000;
/** Parts that a loss may have; the real one has about ten. */
const MAXIMUM_LOSS_PARTS = 64;

const text = z.string().transform((value) => value.slice(0, TEXT_LENGTH));
const code = jobErrorCodeSchema;
const step = z.int().min(0);
const optionsVersion = z.int().min(0);

const reportedProgress = progressSchema
  .refine((progress) => progress.step <= progress.total_steps, "the step is beyond the last")
  .refine(
    ({ loss }) => Object.keys(loss?.parts ?? {}).length <= MAXIMUM_LOSS_PARTS,
    "the loss has too many parts",
  );

/** `isSamples` is of node:util, since `instanceof` differs between the realms of a test. */
const raster = <Samples extends Uint8Array | Uint16Array>(isSamples: (value: unknown) => boolean) =>
  z
    .object({
      width: z.int().min(1),
      height: z.int().min(1),
      data: z.custom<Samples>(isSamples),
      alpha: z.custom<Uint8Array>(types.isUint8Array).exactOptional(),
    })
    .refine(({ width, height, data }) => data.length === 3 * width * height, "the picture has another size")
    .refine(
      ({ width, height, alpha }) => alpha === undefined || alpha.length === width * height,
      "the opacity has another size",
    );
const raster8 = raster<Uint8Array>(types.isUint8Array);
const raster16 = raster<Uint16Array>(types.isUint16Array);

/**
 * What the engine process answers. A painting ends with exactly one of `painted`, `failed`, `canceled`. The worker parses
 * each event: native code decides what the engine sends.
 */
export const engineEventSchema = z.discriminatedUnion("type", [
  /** `largest_size`: longest edge in pixels for which there is room. */
  z.object({ type: z.literal("ready"), engine: engineSchema, largest_size: z.int().min(0) }),
  z.object({ type: z.literal("not_ready"), code, message: text }),
  z.object({ type: z.literal("progress"), progress: reportedProgress, options_version: optionsVersion }),
  z.object({ type: z.literal("preview"), step, picture: raster8 }),
  z.object({ type: z.literal("checkpoint"), step, path: z.string() }),
  /** The painting goes on all the same. */
  z.object({ type: z.literal("checkpoint_failed"), message: text }),
  /** The painting starts from the beginning, because the checkpoint cannot be used; `message` says why. */
  z.object({ type: z.literal("restarted"), message: text }),
  /** `pixels` is what was painted, where `picture` shows it in other colours or in part: to go on from. */
  z.object({
    type: z.literal("painted"),
    picture: z.union([raster8, raster16]),
    pixels: raster8.nullable(),
    progress: reportedProgress,
  }),
  z.object({ type: z.literal("failed"), code, message: text }),
  z.object({ type: z.literal("canceled") }),
]);
export type EngineEvent = z.infer<typeof engineEventSchema>;
