import type { FastifyError, FastifyReply, FastifyRequest } from "fastify";
import { prometheusContentType } from "prom-client";
import { isRedisUnavailable } from "../../redis/errors.ts";
import type { ApiPlugin } from "../dependencies.ts";

/** GET /metrics, in the Prometheus text format. */
const metrics: ApiPlugin = async (app) => {
  const sendMetrics = (reply: FastifyReply, text: string) =>
    reply
      .code(200)
      .header("content-type", prometheusContentType)
      .header("cache-control", "no-store")
      .send(text);

  app.get(
    "/metrics",
    {
      config: { scope: "admin" },
      schema: { hide: true },
      exposeHeadRoute: false,
      // Redis holds the API keys. While it is down no key can be checked, and the one metric that says so is no secret:
      // /readyz tells it to everybody.
      errorHandler: (error: FastifyError, _request: FastifyRequest, reply: FastifyReply) => {
        if (!isRedisUnavailable(error)) throw error;
        return sendMetrics(reply, "# TYPE nst_redis_up gauge\nnst_redis_up 0\n");
      },
    },
    async (_request, reply) => sendMetrics(reply, await app.renderMetrics()),
  );
};

export default metrics;
