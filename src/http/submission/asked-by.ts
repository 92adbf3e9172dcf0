import type { FastifyRequest } from "fastify";
import { formatTraceparent } from "../../trace-context.ts";
import type { Asked } from "./queue-job.ts";

/** By whom, and as part of which trace, a job is asked for. */
export function askedBy({ caller, raw }: FastifyRequest): Asked {
  return { owner: caller.owner, ...(raw.trace && { traceparent: formatTraceparent(raw.trace) }) };
}
