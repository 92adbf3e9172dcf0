import type { FastifyRequest } from "fastify";
import fp from "fastify-plugin";
import { clientNetwork } from "../../auth/client-address.ts";
import { type Rate, WINDOW_SECONDS } from "../../auth/rate-limits.ts";
import { ProblemError } from "../../contract/problems.ts";
import type { ApiPlugin } from "../dependencies.ts";

declare module "fastify" {
  interface FastifyContextConfig {
    /** Whether a request creates jobs: these have a limit of their own. */
    createsJob?: boolean;
  }
  interface FastifyRequest {
    /**
     * Counts the jobs of a request that creates several. Throws a `ProblemError`, and counts none of them, if that is more than the
     * limit leaves.
     */
    countJobs: (jobs: number) => Promise<void>;
  }
}

/**
 * Limits the requests of each key, or of each client's network without a key, and sends RateLimit and RateLimit-Policy
 * (draft-ietf-httpapi-ratelimit-headers-10). Anonymous clients on this machine are not limited.
 *
 * The response is 503 while Redis cannot be reached: an outage must not be a way around the limits.
 */
const rateLimits: ApiPlugin = async (app, { config, rateLimits: limiter }) => {
  /** Whose requests are counted together; null if they are not limited. */
  const clientOf = ({ caller: { key, link, scopes }, ip }: FastifyRequest): string | null => {
    const isLocal = key === null && link === null && config.anonymousAccess === "loopback";
    // Public routes have no scopes: nobody is authenticated for them.
    return isLocal || scopes.length === 0 ? null : (key ?? `address-${clientNetwork(ip)}`);
  };

  app.decorateRequest("countJobs", async function (this: FastifyRequest, jobs: number) {
    const client = clientOf(this);
    // The first job was counted with the request.
    const more = jobs - 1;
    if (client === null || more <= 0) return;
    const { jobsPerMinute } = config.limits;
    if (jobsPerMinute > 0 && jobs > jobsPerMinute) {
      throw new ProblemError(
        "too_many_jobs",
        `Expected at most ${jobsPerMinute} jobs per minute, received ${jobs} at once`,
      );
    }
    const exceeded = (await limiter.count(client, ["jobs"], more)).find((rate) => rate.exceeded);
    if (!exceeded) return;
    await limiter.uncount(client, "jobs", more);
    throw rateLimited(exceeded);
  });

  app.addHook("onRequest", async (request, reply) => {
    const client = clientOf(request);
    if (client === null) return;
    const { createsJob } = request.routeOptions.config;
    const rates = await limiter.count(client, createsJob ? ["requests", "jobs"] : ["requests"]);
    if (rates.length === 0) return;
    const list = (item: (rate: Rate) => string) => rates.map(item).join(", ");
    reply.headers({
      "ratelimit-policy": list(({ name, quota }) => `"${name}";q=${quota};w=${WINDOW_SECONDS}`),
      ratelimit: list(({ name, remaining, reset }) => `"${name}";r=${remaining};t=${reset}`),
    });
    const exceeded = rates.find((rate) => rate.exceeded);
    if (exceeded) throw rateLimited(exceeded);
  });
};

function rateLimited({ quota, name, reset }: Rate): ProblemError {
  const detail = `Expected at most ${quota} ${name} per minute, received more`;
  return new ProblemError("rate_limited", detail, { retryAfter: Math.max(1, reset) });
}

export default fp(rateLimits, { name: "rate-limits", dependencies: ["authentication"] });
