import fp from "fastify-plugin";
import { type Rate, WINDOW_SECONDS } from "../../auth/rate-limits.ts";
import { ProblemError } from "../../contract/problems.ts";
import type { ApiPlugin } from "../dependencies.ts";

declare module "fastify" {
  interface FastifyContextConfig {
    /** Whether a request creates jobs: these have a limit of their own. */
    createsJob?: boolean;
  }
}

/**
 * Limits the requests of each key, or of each address without a key, and sends RateLimit and RateLimit-Policy
 * (draft-ietf-httpapi-ratelimit-headers-10). Anonymous clients on this machine are not limited.
 *
 * The response is 503 while Redis cannot be reached: an outage must not be a way around the limits.
 */
const rateLimits: ApiPlugin = async (app, { config, rateLimits: limiter }) => {
  app.addHook("onRequest", async (request, reply) => {
    const { key, link, scopes } = request.caller;
    const isLocal = key === null && link === null && config.anonymousAccess === "loopback";
    // Public routes have no scopes: nobody is authenticated for them.
    if (isLocal || scopes.length === 0) return;
    const { createsJob } = request.routeOptions.config;
    const client = key ?? `address-${request.ip}`;
    const rates = await limiter.count(client, createsJob ? ["requests", "jobs"] : ["requests"]);
    if (rates.length === 0) return;
    const list = (item: (rate: Rate) => string) => rates.map(item).join(", ");
    reply.headers({
      "ratelimit-policy": list(({ name, quota }) => `"${name}";q=${quota};w=${WINDOW_SECONDS}`),
      ratelimit: list(({ name, remaining, reset }) => `"${name}";r=${remaining};t=${reset}`),
    });
    const exceeded = rates.find((rate) => rate.exceeded);
    if (!exceeded) return;
    const detail = `Expected at most ${exceeded.quota} ${exceeded.name} per minute, received more`;
    throw new ProblemError("rate_limited", detail, { retryAfter: Math.max(1, exceeded.reset) });
  });
};

export default fp(rateLimits, { name: "rate-limits", dependencies: ["authentication"] });
