import { createHash } from "node:crypto";
import type { FastifyRequest } from "fastify";
import { v7 as uuidv7 } from "uuid";
import { z } from "zod";
import { ProblemError } from "../../contract/problems.ts";
import type { IdempotencyKey, IdempotencyStore } from "../../jobs/idempotency-store.ts";

/** The header, for the schemas of routes that create jobs. */
export const idempotencyHeader = {
  "idempotency-key": z
    .string()
    .optional()
    .describe("A repeated request with the same key returns the first response, for 24 hours."),
};

/**
 * The client's `Idempotency-Key`, or null. It may be quoted, as the draft's structured field requires. Each owner has keys
 * of their own. Throws a `ProblemError` if it is malformed.
 */
export function idempotencyKey({ headers, caller }: FastifyRequest): IdempotencyKey | null {
  const header = headers["idempotency-key"];
  if (header === undefined) return null;
  const key = String(header).replace(/^"(.*)"$/, "$1");
  if (/^[\x21-\x7e]{1,255}$/.test(key)) return { owner: caller.owner, key };
  const expected = "1 to 255 visible ASCII characters";
  throw ProblemError.forField(
    "invalid_request",
    "idempotency-key",
    expected,
    JSON.stringify(key.slice(0, 80)),
  );
}

/**
 * Runs `action` with a new id. With an idempotency key it runs once: repeated requests get the stored result. A rejected
 * request does not use up its key. Throws a `ProblemError` if the key is in use.
 *
 * @param getFingerprint a digest of what the request asks for; called only if there is a key
 */
export async function withIdempotency<Result>(
  store: IdempotencyStore,
  request: FastifyRequest,
  getFingerprint: () => Promise<string>,
  action: (id: string) => Promise<Result>,
): Promise<{ result: Result; isReplay: boolean }> {
  const key = idempotencyKey(request);
  const newId = uuidv7();
  if (key === null) return { result: await action(newId), isReplay: false };
  // The same key on another route is another request.
  const digest = fingerprint([request.method, request.routeOptions.url, await getFingerprint()]);
  const admission = await store.begin(key, digest, newId);
  switch (admission.type) {
    case "replay":
      return { result: JSON.parse(admission.response) as Result, isReplay: true };
    case "in_flight": {
      const detail = "Expected one request at a time with this idempotency key";
      throw new ProblemError("request_in_flight", detail, { retryAfter: 1 });
    }
    case "mismatch": {
      const detail = "Expected the same request as the first with this idempotency key";
      throw new ProblemError("idempotency_key_reused", detail);
    }
    case "proceed":
  }
  const { request: admitted } = admission;
  try {
    const result = await action(admitted.job);
    await admitted.answer(JSON.stringify(result));
    return { result, isReplay: false };
  } catch (error) {
    // If this fails too, the key is free when its lock expires.
    await (error instanceof ProblemError ? admitted.reject() : admitted.fail()).catch(() => undefined);
    throw error;
  }
}

export function fingerprint(value: unknown): string {
  return createHash("sha256").update(JSON.stringify(value)).digest("hex");
}
