import { prometheusContentType } from "prom-client";
import type { ApiPlugin } from "../dependencies.ts";

/** GET /metrics, in the Prometheus text format. */
const metrics: ApiPlugin = async (app) => {
  app.get(
    "/metrics",
    { config: { scope: "admin" }, schema: { hide: true }, exposeHeadRoute: false },
    async (_request, reply) => {
      reply.header("content-type", prometheusContentType).header("cache-control", "no-store");
      return await app.renderMetrics();
    },
  );
};

export default metrics;
