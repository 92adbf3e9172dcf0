import { Counter, collectDefaultMetrics, Gauge, type Metric, Registry } from "prom-client";
import type { App, Dependencies } from "../dependencies.ts";
import { RequestTimes } from "../request-times.ts";

/** GET /metrics in Prometheus's text form: this process, its HTTP, and the queue as Redis knows it. */
export function exposeMetrics(app: App, { queue }: Dependencies): void {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const registers = [registry];
  const requests = new RequestTimes();
  registry.registerMetric(
    histogram({
      name: "nst_http_request_duration_seconds",
      help: "Time from a request's first byte to its answer's last.",
      read: async () => requests.all(),
    }),
  );
  const accepted = new Counter({
    name: "nst_jobs_accepted_total",
    help: "Jobs that this process accepted.",
    registers,
  });
  const redis = new Gauge({ name: "nst_redis_up", help: "Whether Redis answers.", registers });
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
  // Counted in Redis by the workers, which nobody asks for metrics: each API process gives the same figures.
  registry.registerMetric(
    histogram({
      name: "nst_job_seconds",
      help: "Time from a job's first start to its end.",
      read: async () =>
        (await queue.jobTimes().catch(() => [])).map(({ outcome, ...times }) => ({
          labels: { status: outcome },
          ...times,
        })),
    }),
  );

  app.addHook("onResponse", (request, reply, done) => {
    // The route's pattern, not the path: a label for every id would never end.
    const route = request.routeOptions.url ?? "none";
    requests.count(request.method, route, reply.statusCode, reply.elapsedTime / 1000);
    const submitted = request.method === "POST" && route === "/v1/jobs" && reply.statusCode < 300;
    if (submitted && !reply.hasHeader("idempotency-replayed")) accepted.inc();
    done();
  });

  const ask = async () => {
    const [counts, living, waiting] = await Promise.all([
      queue.counts(),
      queue.workers(),
      queue.oldestQueued(),
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

interface Series {
  labels: Record<string, string>;
  /** How many took at most so long. */
  classes: { upTo: number; count: number }[];
  count: number;
  sum: number;
}

/** A histogram whose figures are counted elsewhere. */
function histogram({
  name,
  help,
  read,
}: {
  name: string;
  help: string;
  read: () => Promise<Series[]>;
}): Metric {
  const get = async () => {
    const values = (await read()).flatMap(({ labels, classes, count, sum }) => [
      ...classes.map((one) => ({
        ...{ metricName: `${name}_bucket`, value: one.count },
        labels: { ...labels, le: String(one.upTo) },
      })),
      { metricName: `${name}_bucket`, labels: { ...labels, le: "+Inf" }, value: count },
      { metricName: `${name}_sum`, labels, value: sum },
      { metricName: `${name}_count`, labels, value: count },
    ]);
    return { name, help, type: "histogram", values, aggregator: "first" };
  };
  return { name, help, get, reset: () => undefined } as unknown as Metric;
}
