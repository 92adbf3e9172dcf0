import { randomUUID } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { FastifyBaseLogger, FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import fp from "fastify-plugin";
import { formatTraceparent, newSpan, parseTraceparent, type TraceContext } from "../../trace-context.ts";
import type { ApiPlugin } from "../dependencies.ts";

declare module "node:http" {
  interface IncomingMessage {
    /** The span of this request. */
    trace?: TraceContext;
  }
}

const SAFE_ID = /^[\w.-]{1,64}$/;
/** How much of a path is logged. */
const PATH_LENGTH = 200;
/** Polled every few seconds by whoever monitors the service. */
const PROBES = new Set(["/livez", "/readyz", "/metrics"]);

/** Fastify's `genReqId`: the client's X-Request-Id if it is safe to log, otherwise a new one. */
export function requestId(request: IncomingMessage): string {
  const given = request.headers["x-request-id"];
  return typeof given === "string" && SAFE_ID.test(given) ? given : randomUUID();
}

/** Fastify's `childLoggerFactory`: adds the trace, and the job in the path, to every log line of a request. */
export function requestLogger(
  this: FastifyInstance,
  logger: FastifyBaseLogger,
  bindings: Record<string, unknown>,
  options: object,
  request: IncomingMessage,
): FastifyBaseLogger {
  const trace = newSpan(parseTraceparent(request.headers.traceparent));
  request.trace = trace;
  const job_id = /^\/v1\/jobs\/([\w-]{1,64})/.exec(request.url ?? "")?.[1];
  return logger.child(
    { ...bindings, trace_id: trace.traceId, span_id: trace.spanId, ...(job_id && { job_id }) },
    options,
  );
}

/** From now on the log lines of the request name the job. */
export function addJobToLog(request: FastifyRequest, reply: FastifyReply, id: string): void {
  request.log = request.log.child({ job_id: id });
  reply.log = request.log;
}

/** Writes one log line for each response, and returns the ids with which clients find it. */
const requestLog: ApiPlugin = async (app) => {
  app.addHook("onRequest", (request, reply, done) => {
    reply.header("x-request-id", request.id);
    if (request.raw.trace) reply.header("traceparent", formatTraceparent(request.raw.trace));
    done();
  });
  app.addHook("onResponse", (request, reply, done) => {
    const path = (request.url.split("?", 1)[0] ?? "").slice(0, PATH_LENGTH);
    const level = reply.statusCode >= 500 ? "warn" : PROBES.has(path) ? "debug" : "info";
    const { method } = request;
    const status = reply.statusCode;
    const ms = Math.round(reply.elapsedTime);
    request.log[level]({ method, path, status, ms }, `${method} ${path} ${status}`);
    done();
  });
  app.addHook("onRequestAbort", async (request) => {
    request.log.info({ method: request.method }, "client disconnected");
  });
};

export default fp(requestLog, { name: "request-log" });
