import { setTimeout as sleep } from "node:timers/promises";
import { TestDeployment } from "../support/harness/deployment.ts";
import { form } from "../support/submission-form.ts";
import { until } from "../support/until.ts";

/** What happened while Redis was killed and started again, one job ran, one waited and a client submitted more. */
interface OutageReport {
  seconds: number;
  /** Submissions during the outage, and how many of them got a 503 with Retry-After. */
  submissions: number;
  refused_with_retry_after: number;
  /** Steps that the running job made until its record was written again: the job went on. */
  steps_during_outage: number;
  running: { status: string; attempts: number; same_pixels: boolean };
  waiting: { status: string; attempts: number };
  /** Jobs that the API confirmed, and jobs in the queue. */
  accepted: number;
  found: number;
  /** Time from the start of Redis until the API accepted a job again, in seconds. */
  recovery_seconds: number;
}

const LONG = { preset: "draft", size: 128, steps: 0, preview_interval: 0 } as const;

/** Kills Redis for some seconds while one job runs, one waits and a client goes on submitting. */
export async function redisOutage(seconds: number, log: (line: string) => void): Promise<OutageReport> {
  const deployment = await TestDeployment.create();
  try {
    // About 40 steps a second: the job runs for about as long as Redis is away, and then ends.
    const options = { ...LONG, steps: 120 + 50 * seconds };
    const { api, client } = await deployment.startApi();
    const worker = await deployment.startWorker();
    const submit = async (jobOptions: object) =>
      client.fetch("/v1/jobs", {
        method: "POST",
        body: await form({ options: JSON.stringify(jobOptions) }),
      });
    const accepted: string[] = [];
    const accept = async (jobOptions: object): Promise<string> => {
      const answer = await submit(jobOptions);
      const { id } = (await answer.json()) as { id: string };
      if (answer.status !== 202) throw new Error(`A submission was answered with ${answer.status}`);
      accepted.push(id);
      return id;
    };
    const running = await accept(options);
    const waiting = await accept({ preset: "draft", size: 64, steps: 10 });
    const before = await deployment.until(running, ({ progress }) => (progress?.step ?? 0) > 5);

    log("redis-server killed");
    await deployment.redis.kill();
    const end = performance.now() + seconds * 1000;
    const report = { submissions: 0, refused_with_retry_after: 0 };
    while (performance.now() < end) {
      const answer = await submit(options);
      report.submissions += 1;
      const retryAfter = Number(answer.headers.get("retry-after"));
      if (answer.status === 202) accepted.push(((await answer.json()) as { id: string }).id);
      else if (answer.status === 503 && retryAfter > 0) report.refused_with_retry_after += 1;
      else throw new Error(`A submission was answered with ${answer.status}: ${await answer.text()}`);
      await sleep(500);
    }
    await deployment.redis.start();
    const started = performance.now();
    log("redis-server started on its append-only file");
    const { id } = await until(async () => {
      const answer = await submit({ preset: "draft", size: 64, steps: 10 });
      return answer.status === 202 && ((await answer.json()) as { id: string });
    });
    accepted.push(id);
    const recovery_seconds = (performance.now() - started) / 1000;
    const stepBefore = before.progress?.step ?? 0;
    const nextAfter = (step: number) =>
      deployment.until(
        running,
        ({ progress, status }) => (progress?.step ?? 0) > step || status !== "running",
      );
    // The worker first writes what it could not write during the outage, then how far it is now.
    const first = await nextAfter(stepBefore);
    const after = await nextAfter(first.progress?.step ?? 0);
    const timeoutMs = 120_000 + seconds * 10_000;
    const record = await deployment.untilEnded(running, timeoutMs);
    const next = await deployment.untilEnded(waiting, timeoutMs);
    log("the jobs have ended; the same job again, undisturbed");
    const again = await deployment.untilEnded(
      await accept({ ...options, seed: record.options.seed }),
      timeoutMs,
    );
    await Promise.all([worker.end(), api.end()]);
    return {
      seconds,
      ...report,
      steps_during_outage: (after.progress?.step ?? 0) - stepBefore,
      running: {
        status: record.status,
        attempts: record.attempts,
        same_pixels: (await deployment.pixels(record)) === (await deployment.pixels(again)),
      },
      waiting: { status: next.status, attempts: next.attempts },
      accepted: accepted.length,
      found: (await deployment.queue.list({ limit: 1000 })).length,
      recovery_seconds,
    };
  } finally {
    await deployment.close();
  }
}
