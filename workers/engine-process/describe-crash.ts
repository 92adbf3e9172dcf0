import type { ZodError } from "zod";
import type { JobErrorCode } from "../../src/contract/problems.ts";
import type { EngineExit } from "./spawn-engine.ts";

/**
 * What a job's owner is told of an engine that exited. std::bad_alloc and TensorFlow's allocator abort the process with a
 * message; the kernel's OOM killer leaves none. `violation` is what it sent against the protocol.
 */
export function describeCrash(
  { cause, stderrTail }: EngineExit,
  violation: string | null,
): { code: JobErrorCode; message: string } {
  if (violation !== null) return { code: "engine_crashed", message: `The engine was killed: ${violation}` };
  if (/bad_alloc|out of memory|OOM|failed to allocate|Allocation failed/i.test(stderrTail)) {
    return { code: "out_of_memory", message: "The engine ran out of memory at this size" };
  }
  return { code: "engine_crashed", message: `The engine process died (${cause})` };
}

/** The first of a message's faults. */
export function describeIssue({ issues: [issue] }: ZodError): string {
  return `an invalid message (${issue?.path.join(".")}: ${issue?.message})`;
}
