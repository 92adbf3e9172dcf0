import { fieldErrors } from "../../contract/field-errors.ts";
import { type ProblemCode, ProblemError } from "../../contract/problems.ts";
import { type SubmissionFields, submissionFieldsSchema } from "../../contract/request.ts";

/** A request whose pictures lie in the spool, unchecked. */
export interface Submitted {
  /** One, but for a batch. */
  contents: string[];
  styles: string[];
  /** One for each style, or none. */
  styleMasks: string[];
  keepMask?: string | undefined;
  initPicture?: string | undefined;
  fields: SubmissionFields;
}

/** The pictures in the order of a request's parts, each with the field that it came in. */
export function picturesOf(submitted: Omit<Submitted, "fields">): { field: string; path: string }[] {
  const { contents, styles, styleMasks, keepMask, initPicture } = submitted;
  const named = (field: string, paths: string[]) =>
    paths.map((path, index) => ({ field: `${field}[${index}]`, path }));
  return [
    ...(contents.length === 1
      ? contents.map((path) => ({ field: "content", path }))
      : named("content", contents)),
    ...named("style", styles),
    ...named("style_mask", styleMasks),
    ...(keepMask === undefined ? [] : [{ field: "keep_mask", path: keepMask }]),
    ...(initPicture === undefined ? [] : [{ field: "init_picture", path: initPicture }]),
  ];
}

/** How many of which pictures may come. */
export interface PictureCounts {
  contents: number;
  styles: number;
}

/** Parses what goes with the pictures. Throws a `ProblemError` that names each field at fault. */
export function parseFields(given: Record<string, unknown>): SubmissionFields {
  const parsed = submissionFieldsSchema.safeParse(given);
  if (parsed.success) return parsed.data;
  const errors = fieldErrors(parsed.error, given, "");
  const code = codeOf(
    errors.map(({ path }) => path),
    given,
  );
  throw ProblemError.forFields(code, errors);
}

function codeOf(paths: string[], given: Record<string, unknown>): ProblemCode {
  const known = Object.keys(submissionFieldsSchema.shape);
  if (Object.keys(given).some((name) => !known.includes(name))) return "unknown_field";
  return paths.some((path) => path.startsWith("options")) ? "invalid_options" : "invalid_request";
}

export function missing(field: "content" | "style"): ProblemError {
  const code = field === "content" ? "missing_content" : "missing_style";
  return ProblemError.forField(code, field, "a picture", "nothing");
}

/** Masks come one for each style, or not at all. */
export function checkMaskCount(masks: number, styles: number): void {
  if (masks === 0 || masks === styles) return;
  const expected = `one mask for each of ${styles} styles, or none`;
  throw ProblemError.forField("mismatched_masks", "style_mask", expected, String(masks));
}

export function tooManyContents(limit: number, received: string): ProblemError {
  const expected = limit === 1 ? "1 picture" : `at most ${limit} pictures`;
  return ProblemError.forField("too_many_contents", "content", expected, received);
}

export function tooManyStyles(limit: number, received: string, field = "style"): ProblemError {
  return ProblemError.forField("too_many_styles", field, `at most ${limit} pictures`, received);
}
