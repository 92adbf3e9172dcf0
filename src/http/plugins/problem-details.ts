import type { Socket } from "node:net";
import type { FastifyError, FastifyReply, FastifyRequest } from "fastify";
import { hasZodFastifySchemaValidationErrors } from "fastify-type-provider-zod";
import { PROBLEMS, type Problem, type ProblemCode, ProblemError } from "../../contract/problems.ts";
import { QueueFullError, QuotaExceededError } from "../../jobs/job-queue.ts";
import { isRedisUnavailable } from "../../redis/errors.ts";
import { BlobNotFoundError, StorageFullError, StorageUnavailableError } from "../../storage/blob-store.ts";
import type { App } from "../dependencies.ts";
import { allowedMethods, rememberRoutes } from "./route-table.ts";

const PROBLEM_JSON = "application/problem+json";

/** Fastify's own refusals, and those of its multipart plugin. */
const FRAMEWORK_CODES: Record<string, ProblemCode> = {
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

/** Answers every error and every unknown route as RFC 9457 problem details. */
export function answerProblems(app: App): void {
  const routes = rememberRoutes(app);
  app.setErrorHandler((error: FastifyError, request, reply) => {
    const refusal = asRefusal(error);
    if (refusal.code === "internal") request.log.error(error, "the request failed");
    else request.log.info({ code: refusal.code, reason: reasonOf(error) }, refusal.message);
    // What is left of an upload is read and dropped: a client that still writes would miss the answer.
    request.raw.unpipe();
    request.raw.resume();
    return sendProblem(request, reply, refusal);
  });
  app.setNotFoundHandler((request, reply) => {
    const allowed = allowedMethods(routes, request.url);
    if (allowed.length === 0) {
      return sendProblem(
        request,
        reply,
        new ProblemError("unknown_route", `There is nothing at ${request.method} here`),
      );
    }
    reply.header("allow", allowed.join(", "));
    const detail = `Expected one of ${allowed.join(", ")}, received ${request.method}`;
    return sendProblem(request, reply, new ProblemError("method_not_allowed", detail));
  });
}

/** For what goes wrong before a route is found, for example a path that is no valid URL. */
export function frameworkProblem(error: FastifyError, request: FastifyRequest, reply: FastifyReply): void {
  sendProblem(request, reply, asRefusal(error));
}

/** For what is not HTTP, or comes too slowly: the socket is all there is to answer on. */
export function refuseUnreadable(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === "ECONNRESET" || !socket.writable) {
    socket.destroy();
    return;
  }
  const code = CLIENT_ERROR_CODES[error.code ?? ""] ?? "invalid_request";
  const { status } = PROBLEMS[code];
  const body = JSON.stringify(
    problemOf(new ProblemError(code, "The request is not readable HTTP, or came too slowly")),
  );
  socket.end(
    `HTTP/1.1 ${status} ${PROBLEMS[code].title}\r\ncontent-type: ${PROBLEM_JSON}\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  );
}

/** The multipart parser's errors have no code. */
const MULTIPART_ERRORS = /^Multipart: |unexpected end of multipart data$/i;

const CLIENT_ERROR_CODES: Record<string, ProblemCode> = {
  ERR_HTTP_REQUEST_TIMEOUT: "request_timeout",
  HPE_HEADER_OVERFLOW: "request_too_large",
};

/** What Redis or the store said, if that is why the service cannot do what was asked. */
function reasonOf(error: Error): string | undefined {
  if (isRedisUnavailable(error)) return error.message;
  return error.cause instanceof Error ? error.cause.message : undefined;
}

function asRefusal(error: Error & { code?: string; statusCode?: number }): ProblemError {
  if (error instanceof ProblemError) return error;
  if (error instanceof QueueFullError)
    return new ProblemError("queue_full", error.message, { retryAfter: 30 });
  if (error instanceof QuotaExceededError)
    return new ProblemError("quota_exceeded", error.message, { retryAfter: 30 });
  if (error instanceof StorageFullError)
    return new ProblemError("storage_full", error.message, { retryAfter: 60 });
  if (error instanceof StorageUnavailableError)
    return new ProblemError("unavailable", error.message, { retryAfter: 5 });
  if (error instanceof BlobNotFoundError) {
    return new ProblemError(
      "result_expired",
      "Expected a picture that is still kept, received the name of one that is not",
    );
  }
  if (isRedisUnavailable(error)) {
    return new ProblemError("unavailable", "The queue cannot be reached", { retryAfter: 2 });
  }
  if (hasZodFastifySchemaValidationErrors(error)) {
    const errors = error.validation.map(({ instancePath, message }) => ({
      path: `${error.validationContext ?? "request"}${instancePath.replaceAll("/", ".")}`,
      expected: message ?? "another value",
      received: "a value that is not allowed",
    }));
    return new ProblemError(
      "invalid_request",
      errors.map(({ path, expected }) => `${path}: ${expected}`).join("; "),
      {
        errors,
      },
    );
  }
  const code = FRAMEWORK_CODES[error.code ?? ""];
  if (code) return new ProblemError(code, error.message);
  if (MULTIPART_ERRORS.test(error.message)) return new ProblemError("malformed_body", error.message);
  if (error.statusCode && error.statusCode >= 400 && error.statusCode < 500) {
    return new ProblemError("invalid_request", error.message);
  }
  return new ProblemError(
    "internal",
    "Something went wrong inside the service; the request id names it in the logs",
  );
}

function problemOf(refusal: ProblemError, request?: FastifyRequest): Problem {
  const { status, title, retryable } = PROBLEMS[refusal.code];
  return {
    type: `/docs#problem-${refusal.code}`,
    title,
    status,
    code: refusal.code,
    detail: refusal.message,
    retryable,
    ...(request && { instance: request.url.split("?", 1)[0]?.slice(0, 200) ?? "", request_id: request.id }),
    ...(refusal.errors.length > 0 && { errors: refusal.errors }),
  };
}

function sendProblem(request: FastifyRequest, reply: FastifyReply, refusal: ProblemError): FastifyReply {
  if (refusal.retryAfter !== undefined) reply.header("retry-after", refusal.retryAfter);
  return reply
    .code(PROBLEMS[refusal.code].status)
    .header("content-type", PROBLEM_JSON)
    .header("cache-control", "no-store")
    .serializer(JSON.stringify)
    .send(problemOf(refusal, request));
}
