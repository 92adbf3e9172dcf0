import { fieldErrors } from "../../contract/field-errors.ts";
import { Refusal } from "../../contract/problems.ts";
import { type PictureSourceInput, pictureSourceSchema } from "../../contract/request.ts";
import { asRefusal, fetchPicture } from "../../net/fetch-picture.ts";
import type { Guard } from "../../net/guarded-request.ts";
import type { Spool } from "./spool.ts";
import { missing, parseFields, type Submitted, tooManyStyles } from "./submitted.ts";

export interface JsonLimits {
  styles: number;
  uploadBytes: number;
  /** Time in which each URL must have given its picture. */
  urlSeconds: number;
}

/** Reads a parsed JSON body; its pictures are decoded or fetched into the spool. Throws a `Refusal`. */
export async function readJson(
  body: unknown,
  spool: Spool,
  limits: JsonLimits,
  guard: Guard,
): Promise<Submitted> {
  if (typeof body !== "object" || body === null || Array.isArray(body)) {
    throw Refusal.ofField(
      "invalid_request",
      "body",
      "an object",
      Array.isArray(body) ? "a list" : typeof body,
    );
  }
  const { content, style, ...given } = body as Record<string, unknown>;
  if (content === undefined || content === null) throw missing("content");
  const listed = Array.isArray(style) ? style : style === undefined || style === null ? [] : [style];
  if (listed.length === 0) throw missing("style");
  if (listed.length > limits.styles) throw tooManyStyles(limits.styles, String(listed.length));
  const fields = parseFields(given);
  const sources = [content, ...listed].map((source, index) => parseSource(source, fieldName(index)));
  // One after another: each may be as large as a form's, and nobody asked for haste.
  const paths: string[] = [];
  for (const [index, source] of sources.entries()) {
    paths.push(await load(source, fieldName(index), spool, limits, guard));
  }
  const [contentPath = "", ...styles] = paths;
  return { content: contentPath, styles, fields };
}

const fieldName = (index: number) => (index === 0 ? "content" : `style[${index - 1}]`);

function parseSource(given: unknown, field: string): PictureSourceInput {
  const parsed = pictureSourceSchema.safeParse(given);
  if (parsed.success) return parsed.data;
  const errors = fieldErrors(parsed.error, given, field);
  const detail = errors.map(
    ({ path, expected, received }) => `${path}: expected ${expected}, received ${received}`,
  );
  throw new Refusal("invalid_request", detail.join("; "), { errors });
}

async function load(
  source: PictureSourceInput,
  field: string,
  spool: Spool,
  limits: JsonLimits,
  guard: Guard,
): Promise<string> {
  if ("base64" in source) return await spool.write(field, Buffer.from(source.base64, "base64"));
  const signal = AbortSignal.timeout(limits.urlSeconds * 1000);
  const picture = await fetchPicture(source.url, `${field}.url`, guard, signal);
  return await spool.write(field, picture).catch((error) => {
    throw asRefusal(error, `${field}.url`, signal);
  });
}
