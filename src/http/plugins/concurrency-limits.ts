import type { FastifyRequest } from "fastify";
import fp from "fastify-plugin";
import { ProblemError } from "../../contract/problems.ts";
import { ConcurrencyLimiter } from "../concurrency-limiter.ts";
import type { ApiPlugin } from "../dependencies.ts";
import { endOf } from "../request-end.ts";

declare module "fastify" {
  interface FastifyContextConfig {
    /** What a request to this route counts as while it is open. */
    concurrency?: "upload" | "stream";
  }
  interface FastifyInstance {
    /** Open uploads; open event streams, and responses that wait for a job's end. */
    limiters: Record<"upload" | "stream", ConcurrencyLimiter>;
  }
  interface FastifyRequest {
    /** Aborted as soon as the response is sent or the client has disconnected. */
    end: AbortSignal;
    /** Releases the slot of the request before it ends. */
    releaseSlot: () => void;
  }
}

/** Limits the uploads and the event streams that are open at once; rejects further ones before their body is read. */
const concurrencyLimits: ApiPlugin = async (app, { config: { limits } }) => {
  const limiters = {
    upload: new ConcurrencyLimiter(limits.uploads),
    stream: new ConcurrencyLimiter(limits.streams),
  };
  const problems = {
    upload: () => {
      const detail = `The limit of ${limits.uploads} uploads at once (half of them for one owner) is reached`;
      return new ProblemError("too_many_uploads", detail, { retryAfter: 1 });
    },
    stream: () => {
      const detail = `The limit of ${limits.streams} open streams (half of them for one owner) is reached`;
      return new ProblemError("too_many_streams", detail, { retryAfter: 5 });
    },
  };

  app.decorate("limiters", limiters);
  app.decorateRequest("end", null as never);
  app.decorateRequest("releaseSlot", () => undefined);
  app.addHook("onRequest", async (request, reply) => {
    const kind = request.routeOptions.config.concurrency;
    if (kind === undefined) return;
    request.end = endOf(request, reply);
    const release = limiters[kind].acquire(limitedOwner(request), request.end);
    if (!release) throw problems[kind]();
    request.releaseSlot = release;
  });
};

export default fp(concurrencyLimits, { name: "concurrency-limits", dependencies: ["authentication"] });

/** null without a key: all anonymous requests have the same owner. */
export function limitedOwner({ caller }: FastifyRequest): string | null {
  return caller.key === null ? null : caller.owner;
}
