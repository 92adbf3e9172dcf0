import { type ProblemCode, ProblemError } from "../../contract/problems.ts";
import { type SubmissionFields, submissionFieldsSchema } from "../../contract/request.ts";
import { fieldErrors } from "../../contract/zod-field-errors.ts";

/** The fields of a request that hold pictures, in the order of the contract. */
export const PICTURE_FIELDS = ["content", "style", "style_mask", "keep_mask", "init_picture"] as const;
export type PictureField = (typeof PICTURE_FIELDS)[number];

/** The pictures of a request by field; a field without pictures has an empty list. */
export type ByField<Picture> = Record<PictureField, Picture[]>;

/** A picture of a request: a file in the spool, or a URL that is not downloaded yet. */
export type PictureSource = { path: string } | { url: string };

/** A request whose body has been read. */
export interface ReadSubmission {
  pictures: ByField<PictureSource>;
  fields: SubmissionFields;
}

/** A request that has been read: its pictures are files in the spool, and not validated yet. */
export interface ParsedSubmission {
  /** The paths of the files. */
  pictures: ByField<string>;
  fields: SubmissionFields;
}

/** How many pictures a field may have. */
export type PictureLimits = Record<PictureField, number>;

/** @param contents how many content pictures are allowed: one, except in a batch */
export function pictureLimits(contents: number, styles: number): PictureLimits {
  return { content: contents, style: styles, style_mask: styles, keep_mask: 1, init_picture: 1 };
}

export function emptyFields<Picture>(): ByField<Picture> {
  return { content: [], style: [], style_mask: [], keep_mask: [], init_picture: [] };
}

/** The name of one picture in errors, for example `content` or `style[1]`. */
export function pictureName(field: PictureField, index: number, limits?: PictureLimits): string {
  const isSingle = limits ? limits[field] === 1 && !field.startsWith("style") : !field.startsWith("style");
  return isSingle ? field : `${field}[${index}]`;
}

/** Throws a `ProblemError` if `count` pictures are more than the field may have. */
export function checkCount(field: PictureField, count: number, limits: PictureLimits): void {
  const limit = limits[field];
  if (count <= limit) return;
  const expected = limit === 1 ? "1 picture" : `at most ${limit} pictures`;
  throw ProblemError.forField(TOO_MANY[field], field, expected, "more than that");
}

const TOO_MANY: Record<PictureField, ProblemCode> = {
  content: "too_many_contents",
  style: "too_many_styles",
  style_mask: "too_many_styles",
  keep_mask: "invalid_request",
  init_picture: "invalid_request",
};

/** Throws a `ProblemError` if the content or the style is missing, or if the style masks do not match the styles. */
function checkPictures({ content, style, style_mask }: ByField<unknown>): void {
  if (content.length === 0) throw ProblemError.forField("missing_content", "content", "a picture", "nothing");
  if (style.length === 0) throw ProblemError.forField("missing_style", "style", "a picture", "nothing");
  if (style_mask.length === 0 || style_mask.length === style.length) return;
  const expected = `one mask for each of ${style.length} styles, or none`;
  throw ProblemError.forField("mismatched_masks", "style_mask", expected, String(style_mask.length));
}

/** Throws a `ProblemError` if a picture is missing or a field is invalid. */
export function toSubmission(
  pictures: ByField<PictureSource>,
  given: Record<string, unknown>,
): ReadSubmission {
  checkPictures(pictures);
  return { pictures, fields: parseFields(given) };
}

/** Parses the fields other than pictures. Throws a `ProblemError` that names each invalid field. */
function parseFields(given: Record<string, unknown>): SubmissionFields {
  const parsed = submissionFieldsSchema.safeParse(given);
  if (parsed.success) return parsed.data;
  const errors = fieldErrors(parsed.error, given, "");
  const known = Object.keys(submissionFieldsSchema.shape);
  const hasUnknown = Object.keys(given).some((name) => !known.includes(name));
  const hasInvalidOption = errors.some(({ path }) => path.startsWith("options"));
  const code = hasUnknown ? "unknown_field" : hasInvalidOption ? "invalid_options" : "invalid_request";
  throw ProblemError.forFields(code, errors);
}
