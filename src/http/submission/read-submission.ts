import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { pipeline } from "node:stream/promises";
import type { FastifyRequest } from "fastify";
import { ProblemError } from "../../contract/problems.ts";
import type { Dependencies } from "../dependencies.ts";
import { fingerprint } from "./idempotency.ts";
import { type ParsedSubmission, PICTURE_FIELDS, type PictureLimits } from "./parsed-submission.ts";
import { readForm } from "./read-form.ts";
import { readJson } from "./read-json.ts";
import type { Spool } from "./spool.ts";

interface Body {
  parse: () => Promise<ParsedSubmission>;
  /** A digest of everything that the request asks for. */
  fingerprint: () => Promise<string>;
}

/**
 * Reads a submission, as a form or as JSON. The URLs of a JSON body are fetched in `parse`, which a repeated request does
 * not call. Throws a `ProblemError`.
 */
export async function readSubmission(
  request: FastifyRequest,
  spool: Spool,
  { config, urlPolicy }: Dependencies,
  limits: PictureLimits,
): Promise<Body> {
  if (request.isMultipart()) {
    const submission = await readForm(request, spool, limits);
    return { parse: async () => submission, fingerprint: () => formFingerprint(submission) };
  }
  const type = request.headers["content-type"];
  if (!type?.startsWith("application/json")) {
    const detail = `Expected multipart/form-data or application/json, received ${type ?? "no content type"}`;
    throw new ProblemError("unsupported_media_type", detail);
  }
  const { body } = request;
  return {
    parse: () => readJson(body, spool, limits, urlPolicy, config.limits.urlSeconds),
    fingerprint: async () => fingerprint(body),
  };
}

async function formFingerprint({ pictures, fields }: ParsedSubmission): Promise<string> {
  const digests = PICTURE_FIELDS.map((field) => Promise.all(pictures[field].map(fileDigest)));
  return fingerprint([await Promise.all(digests), fields]);
}

async function fileDigest(path: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path), hash);
  return hash.digest("hex");
}
