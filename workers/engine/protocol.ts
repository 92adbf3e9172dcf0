import type { EngineDescription } from "../../src/contract/engine.ts";
import type { Progress } from "../../src/contract/job.ts";
import type { Options } from "../../src/contract/options.ts";
import type { JobErrorCode } from "../../src/contract/problems.ts";
import type { Raster } from "../../src/images/raster.ts";

/** What the worker sends to its engine process (Node IPC, `serialization: "advanced"`). One painting at a time. */
export type EngineRequest =
  | {
      type: "paint";
      id: string;
      /** The content at the result's size. */
      content: Raster;
      /** The styles, aspect ratio kept, longest edge at most `options.size`. */
      styles: Raster[];
      options: Options;
      /** A file that a checkpoint of the same job was written to: go on from there. */
      checkpoint: string | null;
    }
  /** Write a checkpoint to a new file at `path`. */
  | { type: "checkpoint"; id: string; path: string }
  | { type: "cancel"; id: string };

/** What the engine process answers. A painting ends with exactly one of `painted`, `failed`, `canceled`. */
export type EngineEvent =
  | {
      type: "ready";
      engine: EngineDescription /** Longest edge in pixels that fits. */;
      largest_size: number;
    }
  | { type: "unready"; code: JobErrorCode; message: string }
  | { type: "progress"; id: string; progress: Progress }
  | { type: "preview"; id: string; step: number; picture: Raster }
  | { type: "checkpoint"; id: string; step: number; path: string }
  /** The painting goes on all the same. */
  | { type: "checkpoint_failed"; id: string; message: string }
  /** The checkpoint could not be gone on from: the painting begins anew, and `message` says why. */
  | { type: "begun_anew"; id: string; message: string }
  | { type: "painted"; id: string; picture: Raster; progress: Progress }
  | { type: "failed"; id: string; code: JobErrorCode; message: string }
  | { type: "canceled"; id: string };
