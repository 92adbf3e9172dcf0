/**
 * Measures how long jobs wait if one owner has queued hundreds of jobs and others submit a few, with the real queue and
 * its workers. For comparison it queues the same jobs under one owner:
 *
 *     npm run bench:fairness -- --jobs 500 --workers 2 --json
 *
 * All jobs take the same time. A wait is the number of jobs that start between a job's submission and its own start.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { v7 } from "uuid";
import { resolveOptions } from "../../src/contract/presets.ts";
import { JobQueue } from "../../src/jobs/job-queue.ts";
import { connectForWork } from "../../src/redis/connection.ts";
import { RedisKeys } from "../../src/redis/keys.ts";
import { JobWorker } from "../../workers/job-worker.ts";
import { median } from "../statistics.ts";
import { startTemporaryRedis } from "./temporary-redis.ts";

const { values: flags } = parseArgs({
  options: {
    jobs: { type: "string", default: "500" },
    workers: { type: "string", default: "2" },
    json: { type: "boolean", default: false },
  },
});
const jobCount = Number(flags.jobs);
const workerCount = Number(flags.workers);
const JOB_MS = 20;
const OPTIONS = resolveOptions({ preset: "draft", size: 64, steps: 10 }, 1);

/** Owners who submit after the first owner: after how many started jobs, and how many jobs. */
const LATE_OWNERS = [
  { owner: "one-job", after: 0, count: 1 },
  { owner: "ten-jobs", after: Math.floor(jobCount / 10), count: 10 },
  { owner: "halfway", after: Math.floor(jobCount / 2), count: 1 },
];

/** The waits of each owner's jobs in the order of their starts. */
type Waits = Record<string, number[]>;

/** @param queueOwner the owner under which another owner's jobs are queued */
async function measureWaits(queueOwner: (owner: string) => string): Promise<Waits> {
  const redis = await startTemporaryRedis();
  const keys = new RedisKeys("fairness");
  const queue = new JobQueue(redis.connection, keys);
  const startedBefore = new Map<string, number>();
  const waits: Waits = {};
  let started = 0;
  const submit = async (owner: string, count: number) => {
    for (let submitted = 0; submitted < count; submitted += 1) {
      const id = v7();
      startedBefore.set(id, started);
      await queue.submit({
        ...{ id, options: OPTIONS, content: `jobs/${id}/content`, styles: [`jobs/${id}/style-0`] },
        ...{ owner: queueOwner(owner), metadata: { owner } },
      });
    }
  };
  await submit("hundreds", jobCount);
  const connections = Array.from({ length: workerCount }, () => connectForWork(redis.url));
  const workers = connections.map((connection, index) => {
    const worker = new JobWorker(
      connection,
      keys,
      async ({ record }) => {
        const owner = String(record.metadata.owner);
        waits[owner] = [...(waits[owner] ?? []), started - (startedBefore.get(record.id) ?? 0)];
        started += 1;
        await sleep(JOB_MS);
        return { type: "succeeded", fields: {} };
      },
      { name: `worker-${index}` },
    );
    worker.start();
    return worker;
  });
  for (const { owner, after, count } of LATE_OWNERS) {
    while (started < after) await sleep(JOB_MS / 4);
    await submit(owner, count);
  }
  const total = jobCount + LATE_OWNERS.reduce((sum, { count }) => sum + count, 0);
  while (started < total) await sleep(JOB_MS);
  await Promise.all(workers.map((worker) => worker.close(5_000)));
  for (const connection of connections) connection.disconnect();
  await queue.close();
  await redis.stop();
  return waits;
}

const fairShare = await measureWaits((owner) => owner);
const firstComeFirstServed = await measureWaits(() => "all");
const summary = ["hundreds", ...LATE_OWNERS.map(({ owner }) => owner)].map((owner) => {
  const summarize = (waits: number[] = []) => ({
    first: waits[0] ?? 0,
    median: median(waits),
    last: waits.at(-1) ?? 0,
  });
  return {
    ...{ owner, jobs: fairShare[owner]?.length ?? 0 },
    ...{ fair_share: summarize(fairShare[owner]), first_come: summarize(firstComeFirstServed[owner]) },
  };
});
console.log(`Jobs started before one's own; "hundreds" queued ${jobCount}; ${workerCount} workers`);
for (const { owner, jobs, fair_share, first_come } of summary) {
  const format = (waits: typeof fair_share) =>
    `first ${waits.first}, median ${waits.median}, last ${waits.last}`;
  console.log(
    `${owner.padEnd(10)} ${String(jobs).padStart(4)} jobs   fair share: ${format(fair_share).padEnd(36)} first come, first served: ${format(first_come)}`,
  );
}
if (flags.json) console.log(JSON.stringify({ jobs: jobCount, workers: workerCount, owners: summary }));
process.exit(0);
