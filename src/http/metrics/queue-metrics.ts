import type { Metric } from "prom-client";
import { JOB_ERRORS, type JobErrorCode } from "../../contract/problems.ts";
import type { JobQueue } from "../../jobs/job-queue.ts";
import type { CounterName } from "../../jobs/metrics/counters.ts";
import { counter, gauge, histogram } from "./read-metrics.ts";

/** What all processes count in Redis, the workers too, which nobody asks for metrics: each API process gives the same figures. */
export function queueMetrics(queue: JobQueue): Metric[] {
  /** Nothing where Redis is away. */
  const tallied = (
    name: string,
    help: string,
    series: { labels?: Record<string, string>; of: CounterName }[],
  ) =>
    counter({ name, help }, async () => {
      const count = await queue.statistics.counters().catch(() => null);
      return count === null ? [] : series.map(({ of, ...one }) => ({ ...one, value: count(of) }));
    });
  return [
    histogram({ name: "nst_job_seconds", help: "Time from a job's first start to its end." }, async () =>
      (await queue.statistics.jobTimes().catch(() => [])).map(({ outcome, ...times }) => ({
        labels: { status: outcome },
        ...times,
      })),
    ),
    tallied(
      "nst_jobs_failed_total",
      "Jobs that failed for good, by their error's code.",
      (Object.keys(JOB_ERRORS) as JobErrorCode[]).map((code) => ({ labels: { code }, of: `failed:${code}` })),
    ),
    tallied("nst_workers_lost_total", "Workers that ended, or were cut off, without a word.", [
      { of: "worker_lost" },
    ]),
    tallied("nst_engine_crashes_total", "Engine processes that died unasked.", [{ of: "engine_crashed" }]),
    tallied(
      "nst_webhook_attempts_total",
      "Attempts to tell webhooks: delivered, to be made again, or the last one, given up.",
      (["delivered", "again", "given_up"] as const).map((outcome) => ({
        labels: { outcome },
        of: `webhook:${outcome}`,
      })),
    ),
    gauge(
      {
        name: "nst_webhook_oldest_seconds",
        help: "How long the event has waited that waits longest to be sent for the first time.",
      },
      async () => {
        const oldest = await queue.statistics.oldestUndelivered().catch(() => undefined);
        if (oldest === undefined) return [];
        return [{ value: oldest === null ? 0 : Math.max(0, (Date.now() - oldest.getTime()) / 1000) }];
      },
    ),
  ];
}
