import { fieldErrors } from "../../contract/field-errors.ts";
import { ProblemError } from "../../contract/problems.ts";
import { type PictureSourceInput, pictureSourceSchema } from "../../contract/request.ts";
import { fetchPicture, toProblemError } from "../../net/fetch-picture.ts";
import type { UrlPolicy } from "../../net/url-policy.ts";
import type { Spool } from "./spool.ts";
import {
  checkMaskCount,
  missing,
  type PictureCounts,
  parseFields,
  type Submitted,
  tooManyContents,
  tooManyStyles,
} from "./submitted.ts";

export interface JsonLimits extends PictureCounts {
  uploadBytes: number;
  /** Time in which each URL must have given its picture. */
  urlSeconds: number;
}

/** Reads a parsed JSON body; its pictures are decoded or fetched into the spool. Throws a `ProblemError`. */
export async function readJson(
  body: unknown,
  spool: Spool,
  limits: JsonLimits,
  policy: UrlPolicy,
): Promise<Submitted> {
  if (typeof body !== "object" || body === null || Array.isArray(body)) {
    throw ProblemError.forField(
      "invalid_request",
      "body",
      "an object",
      Array.isArray(body) ? "a list" : typeof body,
    );
  }
  const { content, style, style_mask, keep_mask, init_picture, ...given } = body as Record<string, unknown>;
  const contents = listOf(content);
  if (contents.length === 0) throw missing("content");
  if (contents.length > limits.contents) throw tooManyContents(limits.contents, String(contents.length));
  const [styles, masks] = [listOf(style), listOf(style_mask)];
  if (styles.length === 0) throw missing("style");
  if (styles.length > limits.styles) throw tooManyStyles(limits.styles, String(styles.length));
  checkMaskCount(masks.length, styles.length);
  const fields = parseFields(given);
  const named = (field: string, sources: unknown[]) =>
    sources.map((source, index) => ({
      name: `${field}[${index}]`,
      source: parseSource(source, `${field}[${index}]`),
    }));
  const one = (name: string, source: unknown) =>
    listOf(source).map(() => ({ name, source: parseSource(source, name) }));
  // One after another: each may be as large as a form's, and nobody asked for haste.
  const paths = async (sources: { name: string; source: PictureSourceInput }[]) => {
    const written: string[] = [];
    for (const { name, source } of sources) written.push(await load(source, name, spool, limits, policy));
    return written;
  };
  const wanted = {
    contents: Array.isArray(content) ? named("content", contents) : one("content", content),
    styles: named("style", styles),
    styleMasks: named("style_mask", masks),
    keepMask: one("keep_mask", keep_mask),
    initPicture: one("init_picture", init_picture),
  };
  const submitted = {
    contents: await paths(wanted.contents),
    styles: await paths(wanted.styles),
    styleMasks: await paths(wanted.styleMasks),
  };
  const [keepMask] = await paths(wanted.keepMask);
  const [initPicture] = await paths(wanted.initPicture);
  return { ...submitted, keepMask, initPicture, fields };
}

/** A list as it is, one thing as a list of it, nothing as an empty one. */
function listOf(given: unknown): unknown[] {
  if (given === undefined || given === null) return [];
  return Array.isArray(given) ? given : [given];
}

function parseSource(given: unknown, field: string): PictureSourceInput {
  const parsed = pictureSourceSchema.safeParse(given);
  if (parsed.success) return parsed.data;
  throw ProblemError.forFields("invalid_request", fieldErrors(parsed.error, given, field));
}

async function load(
  source: PictureSourceInput,
  field: string,
  spool: Spool,
  limits: JsonLimits,
  policy: UrlPolicy,
): Promise<string> {
  if ("base64" in source) return await spool.write(field, Buffer.from(source.base64, "base64"));
  const signal = AbortSignal.timeout(limits.urlSeconds * 1000);
  const picture = await fetchPicture(source.url, `${field}.url`, policy, signal);
  return await spool.write(field, picture).catch((error) => {
    throw toProblemError(error, `${field}.url`, signal);
  });
}
