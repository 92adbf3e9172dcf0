import type { Metric } from "prom-client";
import type { JobDurations } from "../../jobs/metrics/job-durations.ts";

const NAME = "nst_job_duration_seconds";

/** A histogram whose buckets the workers count in Redis; prom-client's own counts the observations of its process. */
export function jobDurationMetric(): { metric: Metric; set: (durations: JobDurations[]) => void } {
  let values: object[] = [];
  const description = { name: NAME, help: "Time from a job's first start to its end, in seconds." };
  const get = async () => ({ ...description, type: "histogram", values, aggregator: "first" });
  const set = (durations: JobDurations[]) => {
    values = durations.flatMap(({ outcome: status, buckets, count, sum }) => [
      ...buckets.map((one) => bucket(status, String(one.upTo), one.count)),
      bucket(status, "+Inf", count),
      { metricName: `${NAME}_sum`, labels: { status }, value: sum },
      { metricName: `${NAME}_count`, labels: { status }, value: count },
    ]);
  };
  return { metric: { ...description, get, reset: () => undefined } as unknown as Metric, set };
}

function bucket(status: string, le: string, value: number) {
  return { metricName: `${NAME}_bucket`, labels: { status, le }, value };
}
