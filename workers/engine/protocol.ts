import type { EngineDescription } from "../../src/contract/engine-description.ts";
import type { Progress } from "../../src/contract/job.ts";
import type { Options } from "../../src/contract/options.ts";
import type { JobErrorCode } from "../../src/contract/problems.ts";
import type { Mask, Raster, Raster16 } from "../../src/pictures/raster.ts";

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
  | { type: "cancel" };

/** What the worker sends to its engine process (Node IPC, `serialization: "advanced"`): one painting at a time. */
export type EngineRequest = PaintRequest | ControlRequest;

/** What the engine process answers. A painting ends with exactly one of `painted`, `failed`, `canceled`. */
export type EngineEvent =
  /** `largest_size`: longest edge in pixels for which there is room. */
  | { type: "ready"; engine: EngineDescription; largest_size: number }
  | { type: "not_ready"; code: JobErrorCode; message: string }
  | { type: "progress"; progress: Progress; options_version: number }
  | { type: "preview"; step: number; picture: Raster }
  | { type: "checkpoint"; step: number; path: string }
  /** The painting goes on all the same. */
  | { type: "checkpoint_failed"; message: string }
  /** The painting starts from the beginning, because the checkpoint cannot be used; `message` says why. */
  | { type: "restarted"; message: string }
  /** `pixels` is what was painted, where `picture` shows it in other colours or in part: to go on from. */
  | { type: "painted"; picture: Raster | Raster16; pixels: Raster | null; progress: Progress }
  | { type: "failed"; code: JobErrorCode; message: string }
  | { type: "canceled" };
