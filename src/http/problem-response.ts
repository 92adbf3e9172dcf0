import type { Socket } from "node:net";
import type { FastifyError, FastifyReply, FastifyRequest } from "fastify";
import { PROBLEMS, type Problem, type ProblemCode, ProblemError } from "../contract/problems.ts";
import { QueueFullError, QuotaExceededError } from "../jobs/job-limits.ts";
import { isRedisUnavailable } from "../redis/errors.ts";
import { BlobNotFoundError, StorageFullError, StorageUnavailableError } from "../storage/blob-store.ts";

const PROBLEM_JSON = "application/problem+json";

/** Errors of Fastify, its plugins and Node's streams. */
const ERROR_CODES: Record<string, ProblemCode> = {
  FST_ERR_CTP_BODY_TOO_LARGE: "request_too_large",
  FST_ERR_CTP_INVALID_MEDIA_TYPE: "unsupported_media_type",
  FST_ERR_CTP_INVALID_JSON_BODY: "malformed_body",
  FST_ERR_CTP_EMPTY_JSON_BODY: "malformed_body",
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: "malformed_body",
  FST_PARTS_LIMIT: "request_too_large",
  FST_FILES_LIMIT: "request_too_large",
  FST_FIELDS_LIMIT: "request_too_large",
  FST_REQ_FILE_TOO_LARGE: "picture_too_large",
  FST_PROTO_VIOLATION: "unknown_field",
  FST_INVALID_MULTIPART_CONTENT_TYPE: "unsupported_media_type",
  FST_MP_PREMATURE_CLOSE: "malformed_body",
  FST_INVALID_JSON_FIELD_ERROR: "malformed_body",
  ERR_STREAM_PREMATURE_CLOSE: "malformed_body",
};

/** Errors of the multipart parser, which have no code. */
const MULTIPART_ERRORS = /^Multipart: |unexpected end of multipart data$/i;

/** Errors of the domain, by their class; the number is for `Retry-After`, in seconds. */
const DOMAIN_ERRORS = [
  [QueueFullError, "queue_full", 30],
  [QuotaExceededError, "quota_exceeded", 30],
  [StorageFullError, "storage_full", 60],
  [StorageUnavailableError, "unavailable", 5],
] as const;

/** Turns any error into the problem that the client sees. */
export function toProblemError(error: Error & { code?: string; statusCode?: number }): ProblemError {
  if (error instanceof ProblemError) return error;
  for (const [type, code, retryAfter] of DOMAIN_ERRORS) {
    if (error instanceof type) return new ProblemError(code, error.message, { retryAfter });
  }
  if (error instanceof BlobNotFoundError) {
    return new ProblemError("result_expired", "The picture has been deleted");
  }
  if (isRedisUnavailable(error)) {
    return new ProblemError("unavailable", "The queue cannot be reached", { retryAfter: 2 });
  }
  const code = ERROR_CODES[error.code ?? ""];
  if (code) return new ProblemError(code, error.message);
  if (MULTIPART_ERRORS.test(error.message)) return new ProblemError("malformed_body", error.message);
  if (error.statusCode && error.statusCode >= 400 && error.statusCode < 500) {
    return new ProblemError("invalid_request", error.message);
  }
  return new ProblemError(
    "internal",
    "An unexpected error occurred; the request id identifies it in the logs",
  );
}

export function sendProblem(
  request: FastifyRequest,
  reply: FastifyReply,
  problem: ProblemError,
): FastifyReply {
  if (problem.retryAfter !== undefined) reply.header("retry-after", problem.retryAfter);
  return reply
    .code(PROBLEMS[problem.code].status)
    .header("content-type", PROBLEM_JSON)
    .header("cache-control", "no-store")
    .serializer(JSON.stringify)
    .send(problemBody(problem, request));
}

/** Fastify's `frameworkErrors`: errors before a route is found, for example a path that is not a valid URL. */
export function sendFrameworkError(error: FastifyError, request: FastifyRequest, reply: FastifyReply): void {
  sendProblem(request, reply, toProblemError(error));
}

const CLIENT_ERRORS: Record<string, ProblemCode> = {
  ERR_HTTP_REQUEST_TIMEOUT: "request_timeout",
  HPE_HEADER_OVERFLOW: "request_too_large",
};

/** Fastify's `clientErrorHandler`: the request is not valid HTTP or too slow, so there is only a socket to write to. */
export function writeClientError(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === "ECONNRESET" || !socket.writable) {
    socket.destroy();
    return;
  }
  const code = CLIENT_ERRORS[error.code ?? ""] ?? "invalid_request";
  const { status, title } = PROBLEMS[code];
  const detail = "The request is not valid HTTP, is too large, or was sent too slowly";
  const body = JSON.stringify(problemBody(new ProblemError(code, detail)));
  socket.end(
    `HTTP/1.1 ${status} ${title}\r\ncontent-type: ${PROBLEM_JSON}\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  );
}

function problemBody(problem: ProblemError, request?: FastifyRequest): Problem {
  const { status, title, retryable } = PROBLEMS[problem.code];
  return {
    type: `/docs#problem-${problem.code}`,
    title,
    status,
    code: problem.code,
    detail: problem.message,
    retryable,
    ...(request && { instance: request.url.split("?", 1)[0]?.slice(0, 200) ?? "", request_id: request.id }),
    ...(problem.errors.length > 0 && { errors: problem.errors }),
  };
}
