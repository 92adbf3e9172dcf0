import { randomUUID } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { FastifyBaseLogger, FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Logger } from "../../logging.ts";
import { formatTraceparent, newSpan, parseTraceparent, type TraceContext } from "../../trace-context.ts";
import type { App } from "../dependencies.ts";
import { LateLogger } from "./late-logger.ts";

declare module "node:http" {
  interface IncomingMessage {
    /** This request's own span. */
    trace?: TraceContext;
  }
}

const SAFE_ID = /^[\w.-]{1,64}$/;
/** Asked every few seconds by whoever keeps the service running. */
const PROBES = new Set(["/livez", "/readyz", "/metrics"]);

/** The client's own X-Request-Id where it is harmless, else a new one. */
export function requestId(request: IncomingMessage): string {
  const given = request.headers["x-request-id"];
  return typeof given === "string" && SAFE_ID.test(given) ? given : randomUUID();
}

/** Names on every line of a request its trace, and its job where the path does. */
export function nameJob(
  this: FastifyInstance,
  logger: FastifyBaseLogger,
  bindings: Record<string, unknown>,
  options: object,
  request: IncomingMessage,
): FastifyBaseLogger {
  const trace = newSpan(parseTraceparent(request.headers.traceparent));
  request.trace = trace;
  const bind = () => {
    const job = /^\/v1\/jobs\/([\w-]{1,64})/.exec(request.url ?? "")?.[1];
    const traced = { ...bindings, trace_id: trace.traceId, span_id: trace.spanId };
    return logger.child(job === undefined ? traced : { ...traced, job_id: job }, options);
  };
  return new LateLogger(logger as Logger, bind) as unknown as FastifyBaseLogger;
}

/** One line for each answer; every line of a request carries its id and, once it is known, its job's. */
export function logRequests(app: App, logger: Logger): void {
  app.addHook("onRequest", (request, reply, done) => {
    reply.header("x-request-id", request.id);
    // By this a client finds its request in the logs, and the job's in the worker's.
    if (request.raw.trace) reply.header("traceparent", formatTraceparent(request.raw.trace));
    done();
  });
  app.addHook("onResponse", (request, reply, done) => {
    const path = request.url.split("?", 1)[0] ?? "";
    const level = reply.statusCode >= 500 ? "warn" : PROBES.has(path) ? "debug" : "info";
    if (!logger.isLevelEnabled(level)) return done();
    const line = {
      method: request.method,
      path,
      status: reply.statusCode,
      ms: Math.round(reply.elapsedTime),
    };
    request.log[level](line, `${line.method} ${path} ${line.status}`);
    done();
  });
  app.addHook("onRequestAbort", async (request) => {
    request.log.info({ method: request.method }, "the client went away");
  });
}

/** From here on the request's lines name the job. */
export function logJob(request: FastifyRequest, reply: FastifyReply, id: string): void {
  request.log = request.log.child({ job_id: id });
  reply.log = request.log;
}
