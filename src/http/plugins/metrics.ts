import fp from "fastify-plugin";
import { collectDefaultMetrics, Histogram, Registry } from "prom-client";
import type { ApiPlugin } from "../dependencies.ts";
import { createQueueMetrics } from "../metrics/queue-metrics.ts";
import { createStorageMetrics } from "../metrics/storage-metrics.ts";

declare module "fastify" {
  interface FastifyInstance {
    /** Updates all metrics and returns them in the Prometheus text format. */
    renderMetrics: () => Promise<string>;
  }
}

/** In seconds. */
const BUCKETS = [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60];

/** Measures requests, and collects the metrics of this process, the queue and the blob store. */
const metrics: ApiPlugin = async (app, { config, queue, store }) => {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const durations = new Histogram({
    name: "nst_http_request_duration_seconds",
    help: "Time from the first byte of a request to the last byte of its response, in seconds.",
    labelNames: ["method", "route", "status"],
    buckets: BUCKETS,
    registers: [registry],
  });
  const updates = [createQueueMetrics(registry, queue), createStorageMetrics(registry, config, store)];

  app.decorate("renderMetrics", async () => {
    await Promise.all(updates.map((update) => update()));
    return await registry.metrics();
  });
  app.addHook("onResponse", (request, reply, done) => {
    // The pattern, not the path: a label value per job id would never stop growing.
    const route = request.routeOptions.url ?? "none";
    const labels = { method: request.method, route, status: String(reply.statusCode) };
    durations.observe(labels, reply.elapsedTime / 1000);
    done();
  });
};

export default fp(metrics, { name: "metrics" });
