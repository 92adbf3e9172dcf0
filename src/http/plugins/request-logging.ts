import { randomUUID } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { FastifyBaseLogger, FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { App } from "../dependencies.ts";

const SAFE_ID = /^[\w.-]{1,64}$/;
/** Asked every few seconds by whoever keeps the service running. */
const PROBES = new Set(["/livez", "/readyz", "/metrics"]);

/** The client's own X-Request-Id where it is harmless, else a new one. */
export function requestId(request: IncomingMessage): string {
  const given = request.headers["x-request-id"];
  return typeof given === "string" && SAFE_ID.test(given) ? given : randomUUID();
}

/** Names the job on every line of a request whose path does. */
export function nameJob(
  this: FastifyInstance,
  logger: FastifyBaseLogger,
  bindings: Record<string, unknown>,
  options: object,
  request: IncomingMessage,
): FastifyBaseLogger {
  const job = /^\/v1\/jobs\/([\w-]{1,64})/.exec(request.url ?? "")?.[1];
  return logger.child(job === undefined ? bindings : { ...bindings, job_id: job }, options);
}

/** One line for each answer; every line of a request carries its id and, once it is known, its job's. */
export function logRequests(app: App): void {
  app.addHook("onRequest", async (request, reply) => {
    reply.header("x-request-id", request.id);
  });
  app.addHook("onResponse", async (request, reply) => {
    const path = request.url.split("?", 1)[0] ?? "";
    const line = {
      method: request.method,
      path,
      status: reply.statusCode,
      ms: Math.round(reply.elapsedTime),
    };
    const level = reply.statusCode >= 500 ? "warn" : PROBES.has(path) ? "debug" : "info";
    request.log[level](line, `${line.method} ${path} ${line.status}`);
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
