import { setTimeout as sleep } from "node:timers/promises";
import { TestDeployment } from "../support/harness/deployment.ts";
import { addressOf } from "../support/harness/test-client.ts";
import { form } from "../support/submission-form.ts";

/** What was seen of a Redis that was killed and started again while a job ran and others were submitted. */
export interface OutageReport {
  seconds: number;
  /** Submissions sent during the outage, and how many of them were answered with 503 and Retry-After. */
  submissions: number;
  refused_with_retry_after: number;
  /** Steps that the running job had made by a second after it: it went on. */
  steps_during_outage: number;
  running: { status: string; attempts: number; same_pixels: boolean };
  waiting: { status: string; attempts: number };
  /** Jobs that the clients know of, and jobs that there are. */
  accepted: number;
  found: number;
  /** Time from Redis' start until the API took a job again, in seconds. */
  recovery_seconds: number;
}

const LONG = { preset: "draft", size: 128, steps: 0, preview_interval: 0 } as const;

/** Kills Redis for so many seconds while one job runs, one waits, and a client goes on submitting. */
export async function outage(
  seconds: number,
  log: (line: string) => void = () => undefined,
): Promise<OutageReport> {
  const deployment = await TestDeployment.create();
  try {
    // Some 40 steps a second: it runs for about as long as Redis is away, and then ends.
    const options = { ...LONG, steps: 120 + 50 * seconds };
    const api = deployment.run("src/main.js", { PORT: "0" });
    const address = await addressOf(api);
    const worker = await deployment.startWorker();
    const submit = async (wanted: object) =>
      fetch(`${address}/v1/jobs`, { method: "POST", body: await form({ options: JSON.stringify(wanted) }) });
    const accepted: string[] = [];
    const accept = async (wanted: object): Promise<string> => {
      const answer = await submit(wanted);
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
    for (;;) {
      const answer = await submit({ preset: "draft", size: 64, steps: 10 });
      if (answer.status === 202) {
        accepted.push(((await answer.json()) as { id: string }).id);
        break;
      }
      await sleep(50);
    }
    const recovery_seconds = (performance.now() - started) / 1000;
    // What waited to be written comes first, then what is true now.
    await sleep(1_500);
    const after = await deployment.queue.find(running);
    const patience = 120_000 + seconds * 10_000;
    const record = await deployment.untilEnded(running, patience);
    const next = await deployment.untilEnded(waiting, patience);
    log("the jobs have ended; the same job again, undisturbed");
    const again = await deployment.untilEnded(
      await accept({ ...options, seed: record.options.seed }),
      patience,
    );
    await Promise.all([worker.end(), api.end()]);
    return {
      seconds,
      ...report,
      steps_during_outage: (after?.progress?.step ?? 0) - (before.progress?.step ?? 0),
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
