import { PROBLEMS, type ProblemCode, problemSchema } from "../../contract/problems.ts";

interface ProblemResponse {
  description: string;
  content: { "application/problem+json": { schema: typeof problemSchema } };
}

/** The error responses of a route by status, for its schema. */
export function problemResponses(...codes: readonly ProblemCode[]): Record<number, ProblemResponse> {
  const responses: Record<number, ProblemResponse> = {};
  for (const code of codes) {
    const { status, title } = PROBLEMS[code];
    const line = `\`${code}\`: ${title}.`;
    const others = responses[status]?.description;
    responses[status] = {
      description: others ? `${others}\n${line}` : line,
      content: { "application/problem+json": { schema: problemSchema } },
    };
  }
  return responses;
}

/** The problems that a route which accepts pictures can respond with. */
export const SUBMISSION_PROBLEMS = [
  ...["invalid_request", "malformed_body", "unknown_field", "request_too_large"],
  ...["unsupported_media_type", "invalid_options", "missing_content", "missing_style", "mismatched_masks"],
  ...["too_many_contents", "too_many_styles", "unsupported_picture", "empty_picture", "picture_too_large"],
  ...["corrupt_picture", "mismatched_picture", "animated_picture", "too_many_pixels", "picture_too_small"],
  ...["picture_too_narrow", "picture_too_slow", "url_not_allowed", "url_failed"],
  ...["idempotency_key_reused", "request_in_flight", "quota_exceeded", "rate_limited"],
  ...["too_many_uploads", "queue_full", "storage_full", "unavailable"],
] as const satisfies ProblemCode[];
