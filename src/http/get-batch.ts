import type { FastifyRequest } from "fastify";
import { z } from "zod";
import { ProblemError } from "../contract/problems.ts";
import type { Batch, BatchStore } from "../jobs/batch-store.ts";

const UUID = z.uuid();

/** Returns the batch in a request's path. Throws a `ProblemError` if it does not exist or has another owner. */
export async function getBatch(
  batches: BatchStore,
  { params: { id }, caller }: FastifyRequest<{ Params: { id: string } }>,
): Promise<Batch> {
  const batch = UUID.safeParse(id).success ? await batches.find(id) : null;
  if (batch?.owner === caller.owner) return batch;
  const received = JSON.stringify(id.slice(0, 64));
  throw new ProblemError("batch_not_found", `Expected the id of an existing batch, received ${received}`);
}
