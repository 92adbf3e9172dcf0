import type { ProblemCode } from "../../contract/problems.ts";
import type { Encoding } from "../encode.ts";
import type { Inspection, InspectionRequest } from "../inspect-picture.ts";

/** What a picture process can do: the input and the output of each task. */
export interface Tasks {
  inspect: { input: InspectionRequest; output: Inspection };
  /** Converts the file `source` and writes the file `target`. */
  convert: { input: { source: string; target: string; encoding: Encoding }; output: null };
  /** Joins the files `frames` to an animation and writes the file `target`. */
  join: { input: { frames: string[]; target: string }; output: null };
}
export type TaskType = keyof Tasks;

export type TaskMessage = { [Type in TaskType]: { type: Type; input: Tasks[Type]["input"] } }[TaskType];

/** How a task ended. `memory`: it needs more than the process may have. */
export type TaskReply =
  | { type: "done"; output: Tasks[TaskType]["output"] }
  | { type: "refused"; code: ProblemCode; expected: string; received: string }
  | { type: "memory" }
  | { type: "failed"; message: string };
