import { z } from "zod";

interface ProblemKind {
  status: number;
  title: string;
  retryable: boolean;
}

/** Every refusal of the API: RFC 9457 problem details with a stable `code`. */
export const PROBLEMS = {
  invalid_request: { status: 400, title: "The request is not as the contract says", retryable: false },
  invalid_options: { status: 422, title: "An option is not as the contract says", retryable: false },
  unknown_route: { status: 404, title: "No such route", retryable: false },
  job_not_found: { status: 404, title: "No such job", retryable: false },
  result_not_ready: { status: 409, title: "The job has no result yet", retryable: true },
  unavailable: { status: 503, title: "The service cannot take requests at the moment", retryable: true },
  internal: { status: 500, title: "The service failed", retryable: true },
} as const satisfies Record<string, ProblemKind>;

/** Every way in which an accepted job can fail: the `error.code` of its view. */
export const JOB_ERRORS = {
  weights_missing: { title: "VGG-19's weights are not installed", retryable: true },
  engine_unavailable: { title: "The engine could not be started", retryable: true },
  engine_crashed: { title: "The engine process died", retryable: true },
  out_of_memory: { title: "The picture does not fit into memory at this size", retryable: false },
  non_finite_loss: { title: "The loss became infinite or not a number", retryable: false },
  picture_too_small: { title: "The picture is too narrow for VGG-19 at this size", retryable: false },
  picture_missing: { title: "A picture of the job is gone", retryable: false },
  picture_unreadable: { title: "A picture of the job cannot be decoded", retryable: false },
  engine_failed: { title: "The engine reported an error", retryable: true },
} as const satisfies Record<string, { title: string; retryable: boolean }>;

export type ProblemCode = keyof typeof PROBLEMS;
export type JobErrorCode = keyof typeof JOB_ERRORS;
export const jobErrorCodeSchema = z.enum(Object.keys(JOB_ERRORS) as [JobErrorCode, ...JobErrorCode[]]);

/** The body of every answer that is not a success (`application/problem+json`). */
export const problemSchema = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  code: z.string(),
  detail: z.string().describe("What was expected and what was received."),
  instance: z.string().optional(),
  errors: z
    .array(z.object({ path: z.string(), expected: z.string(), received: z.string() }))
    .optional()
    .describe("One entry for each field at fault."),
});
export type Problem = z.infer<typeof problemSchema>;
