import { z } from "zod";

interface ProblemKind {
  status: number;
  title: string;
  /** Whether the same request may succeed later. */
  retryable: boolean;
}

/** Every error response of the API: RFC 9457 problem details with a stable `code`. */
export const PROBLEMS = {
  invalid_request: { status: 400, title: "The request is invalid", retryable: false },
  malformed_body: { status: 400, title: "The request body cannot be parsed", retryable: false },
  unknown_field: { status: 400, title: "The request has an unknown field", retryable: false },
  unauthorized: { status: 401, title: "Missing or invalid API key", retryable: false },
  forbidden: { status: 403, title: "The API key does not allow this", retryable: false },
  invalid_link: { status: 403, title: "The signed link is invalid or has expired", retryable: false },
  unknown_route: { status: 404, title: "No such route", retryable: false },
  batch_not_found: { status: 404, title: "No such batch", retryable: false },
  job_not_found: { status: 404, title: "No such job", retryable: false },
  style_not_found: { status: 404, title: "The job has no style with this number", retryable: false },
  method_not_allowed: { status: 405, title: "The route does not support this method", retryable: false },
  not_acceptable: { status: 406, title: "None of the accepted media types is available", retryable: false },
  request_timeout: { status: 408, title: "The request was sent too slowly", retryable: true },
  result_not_ready: { status: 409, title: "The result is not ready yet", retryable: true },
  no_result: { status: 409, title: "The job ended without a result", retryable: false },
  preview_not_ready: { status: 409, title: "The job has no preview yet", retryable: true },
  no_preview: { status: 409, title: "The job ended without a preview", retryable: false },
  timelapse_not_ready: { status: 409, title: "The job has not ended yet", retryable: true },
  no_timelapse: { status: 409, title: "The job has no timelapse frames", retryable: false },
  not_retryable: { status: 409, title: "Only failed and canceled jobs can be retried", retryable: false },
  nothing_painted: { status: 409, title: "The job has no whole step yet", retryable: true },
  not_finishable: { status: 409, title: "The job has ended already", retryable: false },
  not_updatable: { status: 409, title: "Only queued and running jobs can be changed", retryable: false },
  not_continuable: { status: 409, title: "Only succeeded jobs can be continued", retryable: false },
  request_in_flight: {
    status: 409,
    title: "A request with this idempotency key is in progress",
    retryable: true,
  },
  result_expired: { status: 410, title: "The pictures of the job have been deleted", retryable: false },
  request_too_large: { status: 413, title: "The request is too large", retryable: false },
  picture_too_large: { status: 413, title: "The file of a picture is too large", retryable: false },
  unsupported_media_type: {
    status: 415,
    title: "The media type of the body is not supported",
    retryable: false,
  },
  unsupported_picture: {
    status: 415,
    title: "A picture is not a JPEG, PNG, WebP or AVIF file",
    retryable: false,
  },
  range_not_satisfiable: { status: 416, title: "The range is outside the file", retryable: false },
  invalid_options: { status: 422, title: "An option is invalid", retryable: false },
  mismatched_masks: {
    status: 422,
    title: "The masks or the initial picture do not match the content or the styles",
    retryable: false,
  },
  missing_content: { status: 422, title: "The content picture is missing", retryable: false },
  missing_style: { status: 422, title: "The style picture is missing", retryable: false },
  too_many_contents: { status: 422, title: "There are too many content pictures", retryable: false },
  too_many_jobs: { status: 422, title: "The batch has too many jobs", retryable: false },
  too_many_styles: { status: 422, title: "There are too many style pictures", retryable: false },
  empty_picture: { status: 422, title: "The file of a picture is empty", retryable: false },
  corrupt_picture: { status: 422, title: "A picture cannot be decoded", retryable: false },
  mismatched_picture: {
    status: 422,
    title: "The signature and the content of a picture have different types",
    retryable: false,
  },
  animated_picture: { status: 422, title: "A picture has more than one frame", retryable: false },
  too_many_pixels: { status: 422, title: "A picture has too many pixels", retryable: false },
  picture_too_small: { status: 422, title: "A picture is too small", retryable: false },
  picture_too_narrow: {
    status: 422,
    title: "The content picture is too narrow for the requested size",
    retryable: false,
  },
  picture_too_slow: { status: 422, title: "A picture takes too long to decode", retryable: false },
  url_not_allowed: { status: 422, title: "A URL is not allowed", retryable: false },
  url_failed: { status: 422, title: "A picture could not be downloaded from its URL", retryable: true },
  idempotency_key_reused: {
    status: 422,
    title: "The idempotency key was used for a different request",
    retryable: false,
  },
  rate_limited: { status: 429, title: "Too many requests", retryable: true },
  quota_exceeded: { status: 429, title: "The owner's quota is exceeded", retryable: true },
  internal: { status: 500, title: "Internal error", retryable: true },
  too_many_uploads: { status: 503, title: "Too many uploads are in progress", retryable: true },
  too_many_streams: { status: 503, title: "Too many event streams are open", retryable: true },
  too_many_conversions: { status: 503, title: "Too many pictures are being converted", retryable: true },
  queue_full: { status: 503, title: "The job queue is full", retryable: true },
  unavailable: { status: 503, title: "The service is temporarily unavailable", retryable: true },
  storage_full: { status: 503, title: "There is no space left to store pictures", retryable: true },
} as const satisfies Record<string, ProblemKind>;

/** Every reason for which an accepted job can fail: the `error.code` of its view. */
export const JOB_ERRORS = {
  weights_missing: { title: "VGG-19's weights are not installed", retryable: true },
  engine_unavailable: { title: "The engine could not be started", retryable: true },
  engine_crashed: { title: "The engine process crashed", retryable: true },
  out_of_memory: { title: "The picture does not fit into memory at this size", retryable: false },
  non_finite_loss: { title: "The loss became infinite or not a number", retryable: false },
  picture_too_small: { title: "The picture is too narrow for VGG-19 at this size", retryable: false },
  picture_missing: { title: "A picture of the job has been deleted", retryable: false },
  picture_unreadable: { title: "A picture of the job cannot be decoded", retryable: false },
  storage_failed: { title: "The pictures of the job could not be read or stored", retryable: true },
  engine_failed: { title: "The engine reported an error", retryable: true },
} as const satisfies Record<string, { title: string; retryable: boolean }>;

export type ProblemCode = keyof typeof PROBLEMS;
const problemCodeSchema = z.enum(Object.keys(PROBLEMS) as [ProblemCode, ...ProblemCode[]]);
export type JobErrorCode = keyof typeof JOB_ERRORS;
export const jobErrorCodeSchema = z.enum(Object.keys(JOB_ERRORS) as [JobErrorCode, ...JobErrorCode[]]);

/** How many errors a problem lists. */
export const MAX_ERRORS = 20;

const fieldErrorSchema = z.object({
  path: z.string().describe("The path of the field, for example `options.style_layers.block9_conv1`."),
  expected: z.string(),
  received: z.string(),
});
export type FieldError = z.infer<typeof fieldErrorSchema>;

/** The body of every error response (`application/problem+json`). */
export const problemSchema = z
  .object({
    type: z.string().describe("The URL of the problem's documentation."),
    title: z.string(),
    status: z.int(),
    code: problemCodeSchema,
    detail: z.string().describe("What was expected and what was received."),
    retryable: z.boolean().describe("Whether the same request may succeed later."),
    instance: z.string().optional().describe("The path of the request."),
    request_id: z.string().optional().describe("Identifies the request in the service's logs."),
    errors: z
      .array(fieldErrorSchema)
      .max(MAX_ERRORS)
      .optional()
      .describe("One entry for each invalid field, at most 20."),
  })
  .meta({ id: "Problem" });
export type Problem = z.infer<typeof problemSchema>;

/** The maximum length of a problem's detail, which is also logged. */
const DETAIL_LENGTH = 4_000;

/** Rejects a request: the error handler responds with this problem. */
export class ProblemError extends Error {
  override readonly name = "ProblemError";
  readonly code: ProblemCode;
  readonly errors: FieldError[];
  /** Seconds after which the client may try again. */
  readonly retryAfter: number | undefined;

  constructor(code: ProblemCode, detail: string, more: { errors?: FieldError[]; retryAfter?: number } = {}) {
    super(detail.length > DETAIL_LENGTH ? `${detail.slice(0, DETAIL_LENGTH)}…` : detail);
    this.code = code;
    this.errors = more.errors ?? [];
    this.retryAfter = more.retryAfter;
  }

  /** The same problem with other paths for some of its fields. */
  withPaths(paths: Record<string, string>): ProblemError {
    const errors = this.errors.map((error) => ({ ...error, path: paths[error.path] ?? error.path }));
    return errors.length === 0 ? this : ProblemError.forFields(this.code, errors);
  }

  static forFields(code: ProblemCode, errors: FieldError[]): ProblemError {
    const listed = errors.slice(0, MAX_ERRORS);
    const detail = listed.map(
      ({ path, expected, received }) => `${path}: expected ${expected}, received ${received}`,
    );
    if (errors.length > MAX_ERRORS) detail.push(`only the first ${MAX_ERRORS} errors are listed`);
    return new ProblemError(code, detail.join("; "), { errors: listed });
  }

  static forField(code: ProblemCode, path: string, expected: string, received: string): ProblemError {
    return ProblemError.forFields(code, [{ path, expected, received }]);
  }
}
