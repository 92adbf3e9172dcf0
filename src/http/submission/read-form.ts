import type { MultipartFile } from "@fastify/multipart";
import type { FastifyRequest } from "fastify";
import { ProblemError } from "../../contract/problems.ts";
import { FIELD_LENGTH, submissionFieldsSchema } from "../../contract/request.ts";
import { parseJson } from "../parse-json.ts";
import { withoutNulls } from "../without-nulls.ts";
import {
  checkCount,
  emptyFields,
  PICTURE_FIELDS,
  type PictureField,
  type PictureLimits,
  type PictureSource,
  pictureName,
  type ReadSubmission,
  toSubmission,
} from "./parsed-submission.ts";
import { readPicturePart } from "./read-picture-part.ts";
import type { Spool } from "./spool.ts";

const FIELDS = Object.keys(submissionFieldsSchema.shape);
/** Fields whose text is JSON. */
const JSON_FIELDS = ["options", "metadata", "webhook"];

/**
 * Reads multipart/form-data part by part, and writes the pictures to the spool. The name of a part decides what it is,
 * whether it has a file name or not (RFC 7578). A part without content and without a file name is a control that the
 * user left empty. Throws a `ProblemError`.
 */
export async function readForm(
  request: FastifyRequest,
  spool: Spool,
  limits: PictureLimits,
): Promise<ReadSubmission> {
  const pictures = emptyFields<PictureSource>();
  const given: Record<string, unknown> = {};
  // The plugin is configured to treat every part as a file.
  for await (const part of request.files()) {
    const name = fieldName(part);
    if (isPictureField(name)) {
      const index = pictures[name].length;
      const source = await readPicturePart(part, pictureName(name, index, limits), spool, () =>
        checkCount(name, index + 1, limits),
      );
      if (source) pictures[name].push(source);
    } else if (FIELDS.includes(name)) {
      const text = await readText(part.file, name);
      if (text === "") continue;
      if (name in given)
        throw ProblemError.forField("invalid_request", name, "the field once", "the field twice");
      given[name] = parseField(name, text);
    } else {
      const expected = `one of ${[...PICTURE_FIELDS, ...FIELDS].join(", ")}`;
      throw ProblemError.forField("unknown_field", name.slice(0, 100), expected, "an unknown field");
    }
  }
  return toSubmission(pictures, given);
}

/** Many clients write `style[]` or `style[0]` for a list. */
function fieldName({ fieldname }: MultipartFile): string {
  return String(fieldname).replace(/\[\d*\]$/, "");
}

const isPictureField = (name: string): name is PictureField =>
  (PICTURE_FIELDS as readonly string[]).includes(name);

/** Stops reading at the limit. */
async function readText(file: AsyncIterable<Buffer>, name: string): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of file) {
    bytes += chunk.length;
    if (bytes > FIELD_LENGTH) {
      const expected = `at most ${FIELD_LENGTH} bytes`;
      throw ProblemError.forField("request_too_large", name, expected, "more than that");
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function parseField(name: string, text: string): unknown {
  if (!JSON_FIELDS.includes(name)) return /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text;
  try {
    return name === "metadata" ? parseJson(text) : (withoutNulls(parseJson(text)) ?? undefined);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    const received = `${JSON.stringify(text.slice(0, 80))} (${error.message.slice(0, 200)})`;
    const code = name === "options" ? "invalid_options" : "invalid_request";
    throw ProblemError.forField(code, name, "a JSON object", received);
  }
}
