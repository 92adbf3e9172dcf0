import type { FastifyRequest } from "fastify";
import { ProblemError } from "../contract/problems.ts";
import type { Batch, BatchStore } from "../jobs/batch-store.ts";
import { pathId } from "./get-job.ts";

/** Returns the batch in a request's path. Throws a `ProblemError` if it does not exist or has another owner. */
export async function getBatch(
  batches: BatchStore,
  request: FastifyRequest<{ Params: { id: string } }>,
): Promise<Batch> {
  const id = pathId(request);
  const batch = id === null ? null : await batches.find(id);
  if (batch?.owner === request.caller.owner) return batch;
  const received = JSON.stringify(request.params.id.slice(0, 64));
  throw new ProblemError("batch_not_found", `Expected the id of an existing batch, received ${received}`);
}
