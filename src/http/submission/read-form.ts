import { buffer } from "node:stream/consumers";
import type { Multipart, MultipartFile } from "@fastify/multipart";
import type { FastifyRequest } from "fastify";
import { ProblemError } from "../../contract/problems.ts";
import { FIELD_LENGTH, submissionFieldsSchema } from "../../contract/request.ts";
import {
  checkCount,
  checkPictures,
  emptyFields,
  type ParsedSubmission,
  PICTURE_FIELDS,
  type PictureField,
  type PictureLimits,
  parseFields,
  pictureName,
} from "./parsed-submission.ts";
import type { Spool } from "./spool.ts";

const FIELDS = Object.keys(submissionFieldsSchema.shape);
/** Fields whose text is JSON. */
const JSON_FIELDS = ["options", "metadata", "webhook"];

/** Reads multipart/form-data part by part, and writes the pictures to the spool. Throws a `ProblemError`. */
export async function readForm(
  request: FastifyRequest,
  spool: Spool,
  limits: PictureLimits,
): Promise<ParsedSubmission> {
  const pictures = emptyFields<string>();
  const given: Record<string, unknown> = {};
  for await (const part of request.parts()) {
    const name = part.fieldname;
    if (isPictureField(name)) {
      const paths = pictures[name];
      checkCount(name, paths.length + 1, limits);
      paths.push(await spool.write(pictureName(name, paths.length, limits), fileOf(part).file));
    } else if (FIELDS.includes(name)) {
      if (name in given)
        throw ProblemError.forField("invalid_request", name, "the field once", "the field twice");
      given[name] = parseField(name, await readText(part));
    } else {
      const expected = `one of ${[...PICTURE_FIELDS, ...FIELDS].join(", ")}`;
      throw ProblemError.forField("unknown_field", String(name).slice(0, 100), expected, "an unknown field");
    }
  }
  checkPictures(pictures);
  return { pictures, fields: parseFields(given) };
}

const isPictureField = (name: string): name is PictureField =>
  (PICTURE_FIELDS as readonly string[]).includes(name);

function fileOf(part: Multipart): MultipartFile {
  if (part.type === "file") return part;
  throw ProblemError.forField("invalid_request", part.fieldname, "a file", "a text field");
}

/** The text of a field, even if the client sends it as a file. */
async function readText(part: Multipart): Promise<string> {
  if (part.type === "field") {
    if (part.valueTruncated) throw tooLong(part.fieldname);
    // The plugin has already parsed a part with the type application/json.
    return typeof part.value === "string" ? part.value : JSON.stringify(part.value);
  }
  const bytes = await buffer(part.file);
  if (bytes.length > FIELD_LENGTH) throw tooLong(part.fieldname);
  return bytes.toString("utf8");
}

function tooLong(field: string): ProblemError {
  const expected = `at most ${FIELD_LENGTH} characters`;
  return ProblemError.forField("request_too_large", field, expected, "more than that");
}

function parseField(name: string, text: string): unknown {
  if (!JSON_FIELDS.includes(name)) return /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text;
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    const received = `${JSON.stringify(text.slice(0, 80))} (${error instanceof Error ? error.message : "not JSON"})`;
    const code = name === "options" ? "invalid_options" : "invalid_request";
    throw ProblemError.forField(code, name, "a JSON object", received);
  }
}
