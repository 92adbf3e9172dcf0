import { collectDefaultMetrics, Gauge, Registry } from "prom-client";
import type { App, Dependencies } from "../dependencies.ts";
import { queueMetrics } from "./queue-metrics.ts";
import { counter, histogram } from "./read-metrics.ts";
import { RequestTimes } from "./request-times.ts";
import { storageMetrics } from "./storage-metrics.ts";

/** GET /metrics in Prometheus's text form: this process, its HTTP, the queue as Redis knows it, and the store. */
export function exposeMetrics(app: App, dependencies: Dependencies): void {
  const { queue } = dependencies;
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const registers = [registry];
  const requests = new RequestTimes();
  const read = [
    histogram(
      {
        name: "nst_http_request_duration_seconds",
        help: "Time from a request's first byte to its answer's last.",
      },
      async () => requests.all(),
    ),
    counter({ name: "nst_jobs_accepted_total", help: "Jobs that this process accepted." }, async () => [
      { value: queue.accepted },
    ]),
    ...queueMetrics(queue),
    ...storageMetrics(dependencies),
  ];
  for (const metric of read) registry.registerMetric(metric);
  const redis = new Gauge({
    name: "nst_redis_up",
    help: "Whether Redis answers and takes writes.",
    registers,
  });
  const jobs = new Gauge({ name: "nst_jobs", help: "Jobs by state.", labelNames: ["status"], registers });
  const oldest = new Gauge({
    name: "nst_queue_oldest_seconds",
    help: "How long the job has waited that waits longest.",
    registers,
  });
  const workers = new Gauge({
    name: "nst_workers",
    help: "Workers seen lately: painting, ready for a job, or unable to paint.",
    labelNames: ["state"],
    registers,
  });
  const stepSeconds = new Gauge({
    name: "nst_step_seconds",
    help: "Time of an optimiser step of the job that a worker is at.",
    labelNames: ["worker"],
    registers,
  });
  const engineMemory = new Gauge({
    name: "nst_engine_resident_bytes",
    help: "Memory that a worker's engine process holds.",
    labelNames: ["worker"],
    registers,
  });

  app.addHook("onResponse", (request, reply, done) => {
    // The route's pattern, not the path: a label for every id would never end.
    const route = request.routeOptions.url ?? "none";
    requests.count(request.method, route, reply.statusCode, reply.elapsedTime / 1000);
    done();
  });

  const ask = async () => {
    const [counts, living, waiting] = await Promise.all([
      queue.statistics.countByStatus(),
      queue.statistics.workers(),
      queue.statistics.oldestQueued(),
    ]);
    for (const [status, count] of Object.entries(counts)) jobs.set({ status }, count);
    const painting = living.filter(({ job }) => job !== null).length;
    const unready = living.filter(({ ready }) => !ready).length;
    workers.set({ state: "painting" }, painting);
    workers.set({ state: "unready" }, unready);
    workers.set({ state: "ready" }, Math.max(0, living.length - painting - unready));
    for (const { id, step_ms, engine_resident_bytes } of living) {
      if (step_ms != null) stepSeconds.set({ worker: id }, step_ms / 1000);
      if (engine_resident_bytes != null) engineMemory.set({ worker: id }, engine_resident_bytes);
    }
    oldest.set(waiting === null ? 0 : Math.max(0, (Date.now() - waiting.getTime()) / 1000));
  };

  app.get(
    "/metrics",
    { config: { scope: "admin" }, schema: { hide: true }, exposeHeadRoute: false },
    async (_request, reply) => {
      // Old figures would look like new ones.
      for (const gauge of [jobs, workers, oldest, stepSeconds, engineMemory]) gauge.reset();
      const up = await ask().then(
        () => true,
        () => false,
      );
      redis.set(up ? 1 : 0);
      reply.header("content-type", registry.contentType).header("cache-control", "no-store");
      return await registry.metrics();
    },
  );
}
