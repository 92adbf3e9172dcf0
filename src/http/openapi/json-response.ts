import type { z } from "zod";

/** A JSON response for a route's schema. Without a description openapi.yaml would say "Default Response". */
export function jsonResponse<Schema extends z.ZodType>(description: string, schema: Schema) {
  return { description, content: { "application/json": { schema } } };
}
