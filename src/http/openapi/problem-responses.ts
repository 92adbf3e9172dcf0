import { PROBLEMS, type ProblemCode, problemSchema } from "../../contract/problems.ts";

interface ProblemResponse {
  description: string;
  content: { "application/problem+json": { schema: typeof problemSchema } };
}

/** The answers of a route that are problems, by status, for its schema. */
export function problemResponses(...codes: ProblemCode[]): Record<number, ProblemResponse> {
  const responses: Record<number, ProblemResponse> = {};
  for (const code of codes) {
    const { status, title } = PROBLEMS[code];
    const line = `\`${code}\`: ${title}.`;
    const before = responses[status]?.description;
    responses[status] = {
      description: before ? `${before}\n${line}` : line,
      content: { "application/problem+json": { schema: problemSchema } },
    };
  }
  return responses;
}
