import type { FastifyRequest } from "fastify";
import fp from "fastify-plugin";
import { ProblemError } from "../../contract/problems.ts";
import { ConcurrencyLimiter } from "../concurrency-limiter.ts";
import type { ApiPlugin } from "../dependencies.ts";

declare module "fastify" {
  interface FastifyContextConfig {
    /** What a request to this route counts as while it is open. */
    concurrency?: "upload" | "stream";
  }
  interface FastifyInstance {
    /** Open event streams, and responses that wait for a job's end. */
    streamLimiter: ConcurrencyLimiter;
  }
  interface FastifyRequest {
    /** Releases what the request has acquired before it ends. */
    releaseConcurrency: () => void;
  }
}

/** Limits the uploads and the event streams that are open at once; rejects further ones before their body is read. */
const concurrencyLimits: ApiPlugin = async (app, { config: { limits } }) => {
  const uploads = new ConcurrencyLimiter(limits.uploads);
  // A form is written to disk as it arrives; a JSON body is held in memory.
  const jsonBytes = new ConcurrencyLimiter(
    Math.max(limits.jsonBytesAtOnce, limits.jsonBytes),
    limits.jsonBytes,
  );
  const streams = new ConcurrencyLimiter(limits.streams);

  const acquire = (request: FastifyRequest, kind: "upload" | "stream"): (() => void) => {
    const owner = limitedOwner(request);
    if (kind === "stream") {
      const release = streams.acquire(owner);
      if (release) return release;
      const detail = `The limit of ${limits.streams} open streams (half of them for one owner) is reached`;
      throw new ProblemError("too_many_streams", detail, { retryAfter: 5 });
    }
    const amount = isJson(request) ? contentLength(request, limits.jsonBytes) : 0;
    const releases = [uploads.acquire(owner), jsonBytes.acquire(owner, amount)];
    const release = () => {
      for (const one of releases) one?.();
    };
    if (!releases.includes(null)) return release;
    release();
    const detail = `The limit of ${limits.uploads} uploads at once (half of them for one owner) is reached`;
    throw new ProblemError("too_many_uploads", detail, { retryAfter: 1 });
  };

  app.decorate("streamLimiter", streams);
  app.decorateRequest("releaseConcurrency", () => undefined);
  app.addHook("onRequest", (request, reply, done) => {
    const kind = request.routeOptions.config.concurrency;
    if (kind !== undefined) {
      request.releaseConcurrency = acquire(request, kind);
      reply.raw.once("close", request.releaseConcurrency);
      // The client may have disconnected while it was authenticated: then "close" is not emitted again.
      if (reply.raw.closed) request.releaseConcurrency();
    }
    done();
  });
};

export default fp(concurrencyLimits, { name: "concurrency-limits", dependencies: ["authentication"] });

/** null without a key: all anonymous requests have the same owner. */
export function limitedOwner({ caller }: FastifyRequest): string | null {
  return caller.key === null ? null : caller.owner;
}

function isJson({ headers }: FastifyRequest): boolean {
  return headers["content-type"]?.startsWith("application/json") ?? false;
}

/** Without a Content-Length the body may be as large as the limit. */
function contentLength({ headers }: FastifyRequest, limit: number): number {
  const length = Number(headers["content-length"] ?? limit);
  return Number.isFinite(length) ? Math.min(Math.max(length, 0), limit) : limit;
}
