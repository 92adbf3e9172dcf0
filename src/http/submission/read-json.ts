import { ProblemError } from "../../contract/problems.ts";
import { type PictureSourceInput, pictureSourceSchema } from "../../contract/request.ts";
import { fieldErrors } from "../../contract/zod-field-errors.ts";
import { fetchPicture, toProblemError } from "../../net/fetch-picture.ts";
import type { UrlPolicy } from "../../net/url-policy.ts";
import {
  checkCount,
  checkPictures,
  emptyFields,
  type ParsedSubmission,
  PICTURE_FIELDS,
  type PictureLimits,
  parseFields,
  pictureName,
} from "./parsed-submission.ts";
import type { Spool } from "./spool.ts";

/**
 * Reads a JSON body: decodes or downloads its pictures into the spool, one after another, since each may be as large as
 * a form's. Throws a `ProblemError`.
 */
export async function readJson(
  body: unknown,
  spool: Spool,
  limits: PictureLimits,
  urlPolicy: UrlPolicy,
  urlSeconds: number,
): Promise<ParsedSubmission> {
  if (typeof body !== "object" || body === null || Array.isArray(body)) {
    const received = Array.isArray(body) ? "a list" : typeof body;
    throw ProblemError.forField("invalid_request", "body", "an object", received);
  }
  const { content, style, style_mask, keep_mask, init_picture, ...rest } = body as Record<string, unknown>;
  const given = {
    ...{ content: toList(content), style: toList(style), style_mask: toList(style_mask) },
    ...{ keep_mask: toList(keep_mask), init_picture: toList(init_picture) },
  };
  for (const field of PICTURE_FIELDS) checkCount(field, given[field].length, limits);
  checkPictures(given);
  const fields = parseFields(rest);
  const sources = PICTURE_FIELDS.flatMap((field) =>
    given[field].map((source, index) => {
      const name = pictureName(field, index, limits);
      return { field, name, source: parseSource(source, name) };
    }),
  );
  const pictures = emptyFields<string>();
  for (const { field, name, source } of sources) {
    pictures[field].push(await writePicture(source, name, spool, urlPolicy, urlSeconds));
  }
  return { pictures, fields };
}

function toList(given: unknown): unknown[] {
  if (given === undefined || given === null) return [];
  return Array.isArray(given) ? given : [given];
}

function parseSource(given: unknown, name: string): PictureSourceInput {
  const parsed = pictureSourceSchema.safeParse(given);
  if (parsed.success) return parsed.data;
  throw ProblemError.forFields("invalid_request", fieldErrors(parsed.error, given, name));
}

async function writePicture(
  source: PictureSourceInput,
  name: string,
  spool: Spool,
  urlPolicy: UrlPolicy,
  urlSeconds: number,
): Promise<string> {
  if ("base64" in source) return await spool.write(name, Buffer.from(source.base64, "base64"));
  const signal = AbortSignal.timeout(urlSeconds * 1000);
  const picture = await fetchPicture(source.url, `${name}.url`, urlPolicy, signal);
  return await spool.write(name, picture).catch((error) => {
    throw toProblemError(error, `${name}.url`, signal);
  });
}
