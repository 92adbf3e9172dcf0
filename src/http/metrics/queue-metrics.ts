import { Counter, Gauge, type Registry } from "prom-client";
import { JOB_ERRORS, type JobErrorCode } from "../../contract/problems.ts";
import type { JobQueue } from "../../jobs/job-queue.ts";
import { jobDurationMetric } from "./job-durations.ts";

const ERROR_CODES = Object.keys(JOB_ERRORS) as JobErrorCode[];
const ATTEMPT_OUTCOMES = ["delivered", "retry", "exhausted"] as const;

/**
 * Adds the metrics that all processes share through Redis, so that every API process returns the same values. Returns a
 * function that updates them; while Redis cannot be reached they have no values, rather than outdated ones.
 */
export function createQueueMetrics(registry: Registry, queue: JobQueue): () => Promise<void> {
  const registers = [registry];
  const gauge = (name: string, help: string, ...labelNames: string[]) =>
    new Gauge({ name, help, labelNames, registers });
  const counter = (name: string, help: string, ...labelNames: string[]) =>
    new Counter({ name, help, labelNames, registers });

  const redisUp = gauge("nst_redis_up", "Whether Redis can be read: 1 or 0.");
  const accepted = counter("nst_jobs_accepted_total", "Jobs that this process has accepted.");
  const jobs = gauge("nst_jobs", "Jobs by status.", "status");
  const oldestJob = gauge("nst_queue_oldest_job_age_seconds", "Age of the oldest queued job, in seconds.");
  const unreadable = gauge(
    "nst_jobs_unreadable",
    "Jobs that are set aside because their records cannot be read.",
  );
  const workers = gauge("nst_workers", "Live workers by state: painting, ready or not_ready.", "state");
  const stepSeconds = gauge(
    "nst_step_duration_seconds",
    "Duration of an optimiser step of the current job.",
    "worker",
  );
  const engineMemory = gauge("nst_engine_resident_bytes", "Memory of a worker's engine process.", "worker");
  const jobDurations = jobDurationMetric();
  registry.registerMetric(jobDurations.metric);
  const failed = counter("nst_jobs_failed_total", "Jobs that failed permanently, by error code.", "code");
  const workersLost = counter("nst_workers_lost_total", "Workers that disappeared without stopping.");
  const crashes = counter("nst_engine_crashes_total", "Engine processes that crashed.");
  const attempts = counter(
    ...(["nst_webhook_attempts_total", "Webhook delivery attempts by outcome.", "outcome"] as const),
  );
  const oldestEvent = gauge(
    "nst_webhook_oldest_event_age_seconds",
    "Age of the oldest unsent webhook event, in seconds.",
  );
  const fromRedis = [jobs, workers, stepSeconds, engineMemory, failed, attempts];
  const unlabelled = [oldestJob, unreadable, workersLost, crashes, oldestEvent];

  const readAll = () =>
    Promise.all([
      ...([
        queue.statistics.countByStatus(),
        queue.statistics.workers(),
        queue.statistics.oldestQueued(),
      ] as const),
      ...([
        queue.statistics.counters(),
        queue.statistics.jobDurations(),
        queue.statistics.oldestUndelivered(),
        queue.statistics.unreadable(),
      ] as const),
    ]);

  return async () => {
    const found = await readAll().catch(() => null);
    for (const metric of fromRedis) metric.reset();
    for (const metric of unlabelled) metric.remove();
    accepted.reset();
    accepted.inc(queue.accepted);
    redisUp.set(found === null ? 0 : 1);
    jobDurations.set(found?.[4] ?? []);
    if (found === null) return;
    const [counts, living, queuedSince, tally, , eventSince, setAside] = found;
    unreadable.set(setAside);
    for (const [status, count] of Object.entries(counts)) jobs.set({ status }, count);
    oldestJob.set(ageSeconds(queuedSince));
    const painting = living.filter(({ job }) => job !== null).length;
    const notReady = living.filter(({ ready }) => !ready).length;
    workers.set({ state: "painting" }, painting);
    workers.set({ state: "not_ready" }, notReady);
    workers.set({ state: "ready" }, Math.max(0, living.length - painting - notReady));
    for (const { id, step_ms, engine_resident_bytes } of living) {
      if (step_ms != null) stepSeconds.set({ worker: id }, step_ms / 1000);
      if (engine_resident_bytes != null) engineMemory.set({ worker: id }, engine_resident_bytes);
    }
    for (const code of ERROR_CODES) failed.inc({ code }, tally(`failed:${code}`));
    workersLost.inc(tally("worker_lost"));
    crashes.inc(tally("engine_crashed"));
    for (const outcome of ATTEMPT_OUTCOMES) attempts.inc({ outcome }, tally(`webhook:${outcome}`));
    oldestEvent.set(ageSeconds(eventSince));
  };
}

function ageSeconds(since: Date | null): number {
  return since === null ? 0 : Math.max(0, (Date.now() - since.getTime()) / 1000);
}
