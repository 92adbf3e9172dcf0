import type { z } from "zod";
import { fieldErrors } from "../../contract/field-errors.ts";
import { type ProblemCode, Refusal } from "../../contract/problems.ts";

/** A JSON body as its schema has it. Throws a `Refusal` of this code that names each field at fault. */
export function parseBody<Schema extends z.ZodType>(
  schema: Schema,
  body: unknown,
  code: ProblemCode,
): z.output<Schema> {
  const parsed = schema.safeParse(body ?? {});
  if (parsed.success) return parsed.data;
  throw Refusal.ofFields(code, fieldErrors(parsed.error, body, ""));
}
