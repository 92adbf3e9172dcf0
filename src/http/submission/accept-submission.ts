import type { FastifyRequest } from "fastify";
import { ProblemError } from "../../contract/problems.ts";
import type { Dependencies } from "../dependencies.ts";
import { downloadPictures } from "./download-pictures.ts";
import { fingerprint, withIdempotency } from "./idempotency.ts";
import {
  emptyFields,
  type ParsedSubmission,
  PICTURE_FIELDS,
  type PictureLimits,
  type ReadSubmission,
  toSubmission,
} from "./parsed-submission.ts";
import { readForm } from "./read-form.ts";
import { readJson } from "./read-json.ts";
import { Spool } from "./spool.ts";

/**
 * Reads a submission, as a form or as JSON, and passes it to `submit`, once for each idempotency key. The pictures are
 * in the spool until this function returns. Throws a `ProblemError` or what `submit` throws.
 */
export async function acceptSubmission<Result>(
  { config, idempotency, urlPolicy }: Dependencies,
  request: FastifyRequest,
  pictureLimits: PictureLimits,
  submit: (submission: ParsedSubmission, id: string) => Promise<Result>,
): Promise<{ result: Result; isReplay: boolean }> {
  const { uploadBytes, requestBytes, urlSeconds } = config.limits;
  const limits = { pictureBytes: uploadBytes, requestBytes };
  const spool = await Spool.open(config.spoolDirectory, limits, request.space);
  try {
    // Nothing more arrives on a connection that is closed, and nothing would say so any more.
    if (request.raw.destroyed) throw new ProblemError("malformed_body", "The client disconnected");
    const submission = await readBody(request, spool, pictureLimits);
    return await withIdempotency(
      idempotency,
      request,
      async () => fingerprint(describe(submission, spool)),
      // A repeated request downloads nothing.
      async (id) =>
        submit(await downloadPictures(submission, spool, pictureLimits, urlPolicy, urlSeconds), id),
    );
  } finally {
    await spool.close();
  }
}

async function readBody(
  request: FastifyRequest,
  spool: Spool,
  limits: PictureLimits,
): Promise<ReadSubmission> {
  switch (request.mediaType) {
    case "application/json":
      return await readJson(request, spool, limits);
    case "multipart/form-data":
      return await readForm(request, spool, limits);
    default:
      // All other media types are rejected before, so the body is empty.
      return toSubmission(emptyFields(), {});
  }
}

/** Everything that a request contains, with digests for its files. */
function describe({ pictures, fields }: ReadSubmission, spool: Spool): unknown {
  const described = PICTURE_FIELDS.map((field) =>
    pictures[field].map((source) => ("path" in source ? spool.digest(source.path) : source.url)),
  );
  return [described, fields];
}
