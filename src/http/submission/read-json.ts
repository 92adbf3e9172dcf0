import type { FastifyRequest } from "fastify";
import { ProblemError } from "../../contract/problems.ts";
import { type PictureSourceInput, pictureSourceSchema } from "../../contract/request.ts";
import { fieldErrors } from "../../contract/zod-field-errors.ts";
import { parseJson } from "../parse-json.ts";
import { malformed } from "../plugins/bodies.ts";
import { withoutNulls } from "../without-nulls.ts";
import { JsonScanner } from "./json-scanner.ts";
import {
  checkCount,
  emptyFields,
  PICTURE_FIELDS,
  type PictureLimits,
  type PictureSource,
  pictureName,
  type ReadSubmission,
  toSubmission,
} from "./parsed-submission.ts";
import { PictureWriter } from "./picture-writer.ts";
import { readChunks } from "./read-chunks.ts";
import type { Spool } from "./spool.ts";

/** Reads a JSON body piece by piece, and decodes its pictures into the spool meanwhile. Throws a `ProblemError`. */
export async function readJson(
  request: FastifyRequest,
  spool: Spool,
  limits: PictureLimits,
): Promise<ReadSubmission> {
  const { rest, paths } = await separatePictures(request, spool, limits);
  let body: unknown;
  try {
    body = withoutNulls(parseJson(rest));
  } catch (error) {
    throw malformed(error);
  }
  if (typeof body !== "object" || body === null || Array.isArray(body)) {
    const received = Array.isArray(body) ? "a list" : body === null ? "null" : `a ${typeof body}`;
    throw ProblemError.forField("invalid_request", "body", "an object", received);
  }
  const { content, style, style_mask, keep_mask, init_picture, ...fields } = body as Record<string, unknown>;
  const given = {
    ...{ content: toList(content), style: toList(style), style_mask: toList(style_mask) },
    ...{ keep_mask: toList(keep_mask), init_picture: toList(init_picture) },
  };
  const pictures = emptyFields<PictureSource>();
  for (const field of PICTURE_FIELDS) {
    checkCount(field, given[field].length, limits);
    pictures[field] = given[field].map((source, index) =>
      toPictureSource(parseSource(source, pictureName(field, index, limits)), paths),
    );
  }
  return toSubmission(pictures, fields);
}

/** Returns the body without its pictures, and the paths of the pictures by the numbers that replace them. */
async function separatePictures(
  request: FastifyRequest,
  spool: Spool,
  limits: PictureLimits,
): Promise<{ rest: string; paths: string[] }> {
  const scanner = new JsonScanner();
  const paths: string[] = [];
  const counts = emptyFields<never>();
  let writer: PictureWriter | null = null;
  try {
    for await (const chunk of readChunks(request)) {
      for (const piece of scanner.scan(chunk)) {
        if (piece === "end") {
          if (writer) paths.push(await writer.end());
          writer = null;
        } else if ("text" in piece) await writer?.write(piece.text);
        else {
          const { field, index } = piece.start;
          checkCount(field, counts[field].push(undefined as never), limits);
          writer = await PictureWriter.create(pictureName(field, index, limits), spool);
        }
      }
    }
    return { rest: scanner.rest, paths };
  } catch (error) {
    throw malformed(error);
  } finally {
    await writer?.close();
  }
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

function toPictureSource(source: PictureSourceInput, paths: readonly string[]): PictureSource {
  const number = "base64" in source ? source.base64 : /^data:(\d+)$/.exec(source.url)?.[1];
  const path = paths[Number(number ?? Number.NaN)];
  if (path !== undefined) return { path };
  return "url" in source ? { url: source.url } : { path: "" };
}
