import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { pipeline } from "node:stream/promises";
import type { FastifyRequest } from "fastify";
import { ProblemError } from "../../contract/problems.ts";
import type { Dependencies } from "../dependencies.ts";
import { fingerprint, withIdempotency } from "./idempotency.ts";
import { type ParsedSubmission, PICTURE_FIELDS, type PictureLimits } from "./parsed-submission.ts";
import { readForm } from "./read-form.ts";
import { readJson } from "./read-json.ts";
import { Spool } from "./spool.ts";

/**
 * Reads a submission, as a form or as JSON, and passes it to `submit`, once for each idempotency key. The pictures are
 * in the spool until this function returns. Throws a `ProblemError` or what `submit` throws.
 */
export async function acceptSubmission<Result>(
  dependencies: Dependencies,
  request: FastifyRequest,
  limits: PictureLimits,
  submit: (submission: ParsedSubmission, id: string) => Promise<Result>,
): Promise<{ result: Result; isReplay: boolean }> {
  const { config, idempotency } = dependencies;
  const spool = await Spool.open(config.spoolDirectory, config.limits.uploadBytes);
  try {
    const body = await readBody(dependencies, request, spool, limits);
    return await withIdempotency(idempotency, request, body.fingerprint, async (id) =>
      submit(await body.parse(), id),
    );
  } finally {
    await spool.close();
  }
}

interface Body {
  /** Not called for a repeated request: it downloads the URLs of a JSON body. */
  parse: () => Promise<ParsedSubmission>;
  /** A digest of everything that the request contains. */
  fingerprint: () => Promise<string>;
}

async function readBody(
  { config, urlPolicy }: Dependencies,
  request: FastifyRequest,
  spool: Spool,
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
