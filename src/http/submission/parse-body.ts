import type { z } from "zod";
import { fieldErrors } from "../../contract/field-errors.ts";
import { type ProblemCode, ProblemError } from "../../contract/problems.ts";

/** A JSON body as its schema has it. Throws a `ProblemError` of this code that names each field at fault. */
export function parseBody<Schema extends z.ZodType>(
  schema: Schema,
  body: unknown,
  code: ProblemCode,
): z.output<Schema> {
  const parsed = schema.safeParse(body ?? {});
  if (parsed.success) return parsed.data;
  throw ProblemError.forFields(code, fieldErrors(parsed.error, body, ""));
}
