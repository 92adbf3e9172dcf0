import { buffer } from "node:stream/consumers";
import type { Multipart, MultipartFile } from "@fastify/multipart";
import type { FastifyRequest } from "fastify";
import { ProblemError } from "../../contract/problems.ts";
import { FIELD_LENGTH, submissionFieldsSchema } from "../../contract/request.ts";
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

const FIELDS = Object.keys(submissionFieldsSchema.shape);
/** Pictures that come once. */
const SINGLE_PICTURES = ["keep_mask", "init_picture"] as const;
/** Fields whose text is JSON. */
const JSON_FIELDS = ["options", "metadata", "webhook"];

/** Reads multipart/form-data part by part, the pictures straight to the spool. Throws a `ProblemError`. */
export async function readForm(
  request: FastifyRequest,
  spool: Spool,
  limits: PictureCounts,
): Promise<Submitted> {
  const contents: string[] = [];
  const styles: string[] = [];
  const styleMasks: string[] = [];
  const single: Partial<Record<(typeof SINGLE_PICTURES)[number], string>> = {};
  const given: Record<string, unknown> = {};
  for await (const part of request.parts()) {
    const name = part.fieldname;
    if (isSinglePicture(name)) {
      if (single[name] !== undefined) {
        throw ProblemError.forField("invalid_request", name, "1 picture", "more than one");
      }
      single[name] = await spool.write(name, fileOf(part).file);
    } else if (name === "content") {
      if (contents.length === limits.contents) throw tooManyContents(limits.contents, "more than that");
      const field = limits.contents === 1 ? name : `content[${contents.length}]`;
      contents.push(await spool.write(field, fileOf(part).file));
    } else if (name === "style" || name === "style_mask") {
      const list = name === "style" ? styles : styleMasks;
      if (list.length === limits.styles) throw tooManyStyles(limits.styles, "more than that", name);
      list.push(await spool.write(`${name}[${list.length}]`, fileOf(part).file));
    } else if (FIELDS.includes(name)) {
      if (name in given)
        throw ProblemError.forField("invalid_request", name, "the field once", "the field twice");
      given[name] = fieldValue(name, await textOf(part));
    } else {
      const expected = `one of ${["content", "style", "style_mask", ...SINGLE_PICTURES, ...FIELDS].join(", ")}`;
      throw ProblemError.forField("unknown_field", String(name).slice(0, 100), expected, "an unknown field");
    }
  }
  if (contents.length === 0) throw missing("content");
  if (styles.length === 0) throw missing("style");
  checkMaskCount(styleMasks.length, styles.length);
  const { keep_mask: keepMask, init_picture: initPicture } = single;
  return { contents, styles, styleMasks, keepMask, initPicture, fields: parseFields(given) };
}

const isSinglePicture = (name: string): name is (typeof SINGLE_PICTURES)[number] =>
  (SINGLE_PICTURES as readonly string[]).includes(name);

function fileOf(part: Multipart): MultipartFile {
  if (part.type === "file") return part;
  throw ProblemError.forField("invalid_request", part.fieldname, "a file", "a text field");
}

/** A field's text, also where the client sends it as a file. */
async function textOf(part: Multipart): Promise<string> {
  if (part.type === "field") {
    if (part.valueTruncated) throw tooLong(part.fieldname);
    // A part that says it is JSON comes parsed.
    return typeof part.value === "string" ? part.value : JSON.stringify(part.value);
  }
  const bytes = await buffer(part.file);
  if (bytes.length > FIELD_LENGTH) throw tooLong(part.fieldname);
  return bytes.toString("utf8");
}

function tooLong(field: string): ProblemError {
  return ProblemError.forField(
    "request_too_large",
    field,
    `at most ${FIELD_LENGTH} characters`,
    "more than that",
  );
}

function fieldValue(name: string, text: string): unknown {
  if (!JSON_FIELDS.includes(name)) return /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text;
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    const received = `${JSON.stringify(text.slice(0, 80))} (${error instanceof Error ? error.message : "not JSON"})`;
    const code = name === "options" ? "invalid_options" : "invalid_request";
    throw ProblemError.forField(code, name, "an object as JSON", received);
  }
}
