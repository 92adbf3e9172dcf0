/**
 * Shows how long jobs wait where one owner has queued hundreds and others come with a few, on the real queue and its
 * real workers, each job taking the same short time; beside it the same jobs as if all had one owner:
 *
 *     npm run bench:fairness -- --jobs 500 --workers 2 --json
 *
 * Times are in jobs: how many of the job's own duration it waited, for all workers together.
 */
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { JobQueue } from "../../src/jobs/job-queue.ts";
import { connectForRequests, connectForWork } from "../../src/redis/connection.ts";
import { RedisKeys } from "../../src/redis/keys.ts";
import { submission } from "../../test/support/jobs.ts";
import { TestRedis } from "../../test/support/redis.ts";
import { JobWorker } from "../../workers/job-worker.ts";
import { median } from "../statistics.ts";

const { values: flags } = parseArgs({
  options: {
    jobs: { type: "string", default: "500" },
    workers: { type: "string", default: "2" },
    json: { type: "boolean", default: false },
  },
});
const jobs = Number(flags.jobs);
const workers = Number(flags.workers);
const JOB_MS = 20;

/** Owners who come after the first has queued all of theirs: when, in jobs done, and with how many. */
const LATER = [
  { owner: "one-job", after: 0, count: 1 },
  { owner: "ten-jobs", after: Math.floor(jobs / 10), count: 10 },
  { owner: "latecomer", after: Math.floor(jobs / 2), count: 1 },
];

interface Waits {
  /** Jobs that were taken between a job's submission and its own start, by owner. */
  [owner: string]: number[];
}

/** Plays the scene once; `ownerOf` says under which name an owner's jobs are queued. */
async function play(ownerOf: (owner: string) => string): Promise<Waits> {
  const server = await TestRedis.start();
  const redis = connectForRequests(server.url);
  if (redis.status !== "ready") await once(redis, "ready");
  const keys = new RedisKeys("fairness");
  const queue = new JobQueue(redis, keys);
  const submittedAt = new Map<string, number>();
  const waits: Waits = {};
  let taken = 0;
  const submit = async (owner: string, count: number) => {
    for (let one = 0; one < count; one += 1) {
      const job = submission({ owner: ownerOf(owner), metadata: { owner } });
      submittedAt.set(job.id, taken);
      await queue.submit(job);
    }
  };
  await submit("hundreds", jobs);
  const total = jobs + LATER.reduce((sum, { count }) => sum + count, 0);
  const connections = Array.from({ length: workers }, () => connectForWork(server.url));
  const crew = connections.map((connection, index) => {
    const worker = new JobWorker(
      connection,
      keys,
      async ({ record }) => {
        const owner = String(record.metadata.owner);
        waits[owner] = [...(waits[owner] ?? []), taken - (submittedAt.get(record.id) ?? 0)];
        taken += 1;
        await sleep(JOB_MS);
        return { type: "succeeded", fields: {} };
      },
      { name: `worker-${index}` },
    );
    worker.start();
    return worker;
  });
  for (const { owner, after, count } of LATER) {
    while (taken < after) await sleep(JOB_MS / 4);
    await submit(owner, count);
  }
  while (taken < total) await sleep(JOB_MS);
  await Promise.all(crew.map((worker) => worker.close(5_000)));
  for (const connection of connections) connection.disconnect();
  await queue.close();
  await server.stop();
  return waits;
}

const fair = await play((owner) => owner);
const single = await play(() => "all");
const summary = ["hundreds", ...LATER.map(({ owner }) => owner)].map((owner) => {
  const of = (waits: number[] = []) => ({
    first: waits[0] ?? 0,
    median: median(waits),
    last: waits.at(-1) ?? 0,
  });
  return { owner, jobs: fair[owner]?.length ?? 0, fair: of(fair[owner]), first_come: of(single[owner]) };
});
console.log(`Jobs taken before one's own, of ${jobs} queued by "hundreds"; ${workers} workers`);
for (const { owner, jobs: count, fair: now, first_come: before } of summary) {
  const line = (waits: typeof now) => `first ${waits.first}, median ${waits.median}, last ${waits.last}`;
  console.log(
    `${owner.padEnd(10)} ${String(count).padStart(4)} jobs   fair share: ${line(now).padEnd(36)} first come: ${line(before)}`,
  );
}
if (flags.json) console.log(JSON.stringify({ jobs, workers, owners: summary }));
process.exit(0);
