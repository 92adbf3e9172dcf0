import { fieldErrors } from "../../contract/field-errors.ts";
import { type ProblemCode, Refusal } from "../../contract/problems.ts";
import { type SubmissionFields, submissionFieldsSchema } from "../../contract/request.ts";

/** A request whose pictures lie in the spool, unchecked. */
export interface Submitted {
  content: string;
  styles: string[];
  fields: SubmissionFields;
}

/** Parses what goes with the pictures. Throws a `Refusal` that names each field at fault. */
export function parseFields(given: Record<string, unknown>): SubmissionFields {
  const parsed = submissionFieldsSchema.safeParse(given);
  if (parsed.success) return parsed.data;
  const errors = fieldErrors(parsed.error, given, "");
  const detail = errors.map(
    ({ path, expected, received }) => `${path}: expected ${expected}, received ${received}`,
  );
  throw new Refusal(
    codeOf(
      errors.map(({ path }) => path),
      given,
    ),
    detail.join("; "),
    { errors },
  );
}

function codeOf(paths: string[], given: Record<string, unknown>): ProblemCode {
  const known = Object.keys(submissionFieldsSchema.shape);
  if (Object.keys(given).some((name) => !known.includes(name))) return "unknown_field";
  return paths.some((path) => path.startsWith("options")) ? "invalid_options" : "invalid_request";
}

export function missing(field: "content" | "style"): Refusal {
  const code = field === "content" ? "missing_content" : "missing_style";
  return Refusal.ofField(code, field, "a picture", "nothing");
}

export function tooManyStyles(limit: number, received: string): Refusal {
  return Refusal.ofField("too_many_styles", "style", `at most ${limit} pictures`, received);
}
