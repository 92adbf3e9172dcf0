import type { FastifyRequest } from "fastify";
import type { Config } from "../../config.ts";
import { ProblemError } from "../../contract/problems.ts";
import { createUrlPolicy } from "../../net/url-policy.ts";
import { readForm } from "./form.ts";
import { fingerprintOf, fingerprintOfForm } from "./idempotency.ts";
import { readJson } from "./json.ts";
import type { Spool } from "./spool.ts";
import type { PictureCounts, Submitted } from "./submitted.ts";

interface Body {
  load: () => Promise<Submitted>;
  fingerprint: () => Promise<string>;
}

/**
 * A submission, as a form or as JSON. A JSON body's URLs are fetched only when it is known that the request is not a
 * repeated one. Throws a `ProblemError`.
 */
export async function readBody(
  request: FastifyRequest,
  spool: Spool,
  { limits, urlNetworks }: Config,
  counts: PictureCounts,
): Promise<Body> {
  if (request.isMultipart()) {
    const submitted = await readForm(request, spool, counts);
    return { load: async () => submitted, fingerprint: () => fingerprintOfForm(submitted) };
  }
  const body = jsonBody(request);
  return {
    load: () => readJson(body, spool, { ...limits, ...counts }, createUrlPolicy(urlNetworks)),
    fingerprint: async () => fingerprintOf(body),
  };
}

/** Fastify has parsed it, or there is none. */
function jsonBody(request: FastifyRequest): unknown {
  const received = request.headers["content-type"];
  if (received?.startsWith("application/json")) return request.body;
  const detail = `Expected multipart/form-data or application/json, received ${received ?? "no content type"}`;
  throw new ProblemError("unsupported_media_type", detail);
}
