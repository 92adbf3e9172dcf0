import type { z } from "zod";
import { type ProblemCode, ProblemError } from "../contract/problems.ts";
import { fieldErrors } from "../contract/zod-field-errors.ts";
import { withoutNulls } from "./without-nulls.ts";

/** How the errors name the part of the request that a field is in; fields of the body need no such name. */
const PART_NAMES: Record<string, string> = { querystring: "query", params: "path", headers: "headers" };

/** Validates requests against zod schemas. An error is a `ProblemError` with this code that names each invalid field. */
export function validatorCompiler(code: ProblemCode) {
  return ({ schema, httpPart = "" }: { schema: unknown; httpPart?: string }) =>
    (given: unknown) => {
      const data = httpPart === "body" ? withoutNulls(given) : given;
      const parsed = (schema as z.ZodType).safeParse(data);
      if (parsed.success) return { value: parsed.data };
      const errors = fieldErrors(parsed.error, data, PART_NAMES[httpPart] ?? "");
      return { error: ProblemError.forFields(code, errors) };
    };
}
