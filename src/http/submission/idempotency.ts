import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { pipeline } from "node:stream/promises";
import type { FastifyRequest } from "fastify";
import { v7 as uuidv7 } from "uuid";
import { z } from "zod";
import { ProblemError } from "../../contract/problems.ts";
import type { IdempotencyStore } from "../../jobs/idempotency-store.ts";
import { picturesOf, type Submitted } from "./submitted.ts";

export interface Once<Answer> {
  answer: Answer;
  /** Whether it is that of an earlier request. */
  replayed: boolean;
}

/** The header as a route that makes jobs declares it. */
export const idempotencyHeader = {
  "idempotency-key": z
    .string()
    .optional()
    .describe("The same request with the same key gives the first answer again, for 24 hours."),
};

/**
 * The client's `Idempotency-Key`, or null. It may be quoted, as the draft's structured field wants it. Each owner has keys
 * of their own: nobody gets another's answer.
 */
export function idempotencyKey({ headers, caller }: FastifyRequest): string | null {
  const header = headers["idempotency-key"];
  if (header === undefined) return null;
  const key = String(header).replace(/^"(.*)"$/, "$1");
  if (/^[\x21-\x7e]{1,255}$/.test(key)) return `${caller.owner} ${key}`;
  const expected = "1 to 255 visible ASCII characters";
  throw ProblemError.forField(
    "invalid_request",
    "idempotency-key",
    expected,
    JSON.stringify(key.slice(0, 80)),
  );
}

/**
 * Does `action` with a new id; once for a key and a fingerprint where the request has a key, and then its answer is given
 * again to whoever comes later. What is refused was not done: the key stays free. Throws a `ProblemError` where the key is taken.
 */
export async function once<Answer>(
  store: IdempotencyStore,
  request: FastifyRequest,
  fingerprintOfRequest: () => Promise<string>,
  action: (id: string) => Promise<Answer>,
): Promise<Once<Answer>> {
  const key = idempotencyKey(request);
  const newId = uuidv7();
  if (key === null) return { answer: await action(newId), replayed: false };
  const fingerprint = await fingerprintOfRequest();
  const admission = await store.begin(key, fingerprint, newId);
  switch (admission.type) {
    case "replay":
      return { answer: JSON.parse(admission.answer) as Answer, replayed: true };
    case "in_flight":
      throw new ProblemError(
        "request_in_flight",
        "Expected one request at a time with this idempotency key",
        {
          retryAfter: 1,
        },
      );
    case "mismatch":
      throw new ProblemError(
        "idempotency_key_reused",
        "Expected the same request as before with this idempotency key",
      );
    case "proceed":
  }
  try {
    const answer = await action(admission.job);
    await store.finish(key, fingerprint, admission.job, JSON.stringify(answer));
    return { answer, replayed: false };
  } catch (error) {
    // What cannot be freed now is free when its lock runs out.
    await (error instanceof ProblemError ? store.abandon(key) : store.release(key)).catch(() => undefined);
    throw error;
  }
}

/** A digest of what a form asks for: its pictures' bytes in their order, and its fields. */
export async function fingerprintOfForm({ fields, ...pictures }: Submitted): Promise<string> {
  const digests = picturesOf(pictures).map(async ({ field, path }) => [field, await digestOfFile(path)]);
  return fingerprintOf([await Promise.all(digests), fields]);
}

export function fingerprintOf(value: unknown): string {
  return createHash("sha256").update(JSON.stringify(value)).digest("hex");
}

async function digestOfFile(path: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path), hash);
  return hash.digest("hex");
}
