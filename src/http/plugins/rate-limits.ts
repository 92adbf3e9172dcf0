import type { FastifyReply, FastifyRequest } from "fastify";
import { WINDOW_SECONDS } from "../../auth/rate-limits.ts";
import { ProblemError } from "../../contract/problems.ts";
import type { App, Dependencies } from "../dependencies.ts";

declare module "fastify" {
  interface FastifyContextConfig {
    /** Set where a request makes a job, which is limited beside all requests. */
    makesJob?: boolean;
  }
}

/**
 * Limits how often a key, or without a key an address, may ask, and says so in RateLimit and RateLimit-Policy
 * (draft-ietf-httpapi-ratelimit-headers-10). Comes after `authenticate`.
 *
 * While Redis is away the answer is 503, not a request let through: what is limited needs Redis itself, and an outage
 * must be no way round the limits. Whoever uses an open service on this machine is not limited.
 */
export function limitRates(app: App, { config, rateLimits }: Dependencies): void {
  const count = async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    const { makesJob } = request.routeOptions.config;
    const rates = await rateLimits.count(
      request.caller.key ?? `address-${request.ip}`,
      makesJob ? ["requests", "jobs"] : ["requests"],
    );
    if (rates.length === 0) return;
    const list = (item: (rate: (typeof rates)[number]) => string) => rates.map(item).join(", ");
    reply.headers({
      "ratelimit-policy": list(({ name, quota }) => `"${name}";q=${quota};w=${WINDOW_SECONDS}`),
      ratelimit: list(({ name, remaining, reset }) => `"${name}";r=${remaining};t=${reset}`),
    });
    const exceeded = rates.find((rate) => rate.exceeded);
    if (!exceeded) return;
    const detail = `Expected at most ${exceeded.quota} ${exceeded.name} a minute, received more`;
    throw new ProblemError("rate_limited", detail, { retryAfter: Math.max(1, exceeded.reset) });
  };

  app.addHook("onRequest", (request, reply, done) => {
    const { key, link } = request.caller;
    const isLocal = key === null && link === null && config.openMode === "loopback";
    // Who was asked for nothing is nobody: see `authenticate`.
    if (isLocal || request.caller.scopes.length === 0) return done();
    count(request, reply).then(
      () => done(),
      (error) => done(error),
    );
  });
}
