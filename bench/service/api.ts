/**
 * Measures the API process: polling compared with a baseline of one Fastify route and one Redis GET, submissions, and the
 * latency of a job in a long queue.
 *
 *     npm run bench:api -- --seconds 4 --depth 100000 --json
 *
 * Clients poll queued jobs, whose exact positions cost more than the progress of running ones. Each of them cycles through
 * a hundred jobs. 50 clients keep the API busy; with 10 it also waits for them and for Redis (`poll_ratio_10_clients`).
 */
import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import autocannon from "autocannon";
import { v7 } from "uuid";
import { resolveOptions } from "../../src/contract/presets.ts";
import { JobQueue } from "../../src/jobs/job-queue.ts";
import { RedisKeys } from "../../src/redis/keys.ts";
import { ROOT } from "../../src/root.ts";
import { submissionForm } from "../sample-pictures.ts";
import { median } from "../statistics.ts";
import { startApi } from "./api-process.ts";
import { startTemporaryRedis } from "./temporary-redis.ts";

const ROUNDS = 3;
const POLLED_JOBS = 100;
const FEW_CLIENTS = 10;
const MANY_CLIENTS = 50;
const PICTURE_BYTES = 200_000;

const { values: flags } = parseArgs({
  options: {
    seconds: { type: "string", default: "4" },
    depth: { type: "string", default: "100000" },
    json: { type: "boolean", default: false },
  },
});
const seconds = Number(flags.seconds);
const depth = Number(flags.depth);

const folder = await mkdtemp(join(tmpdir(), "nst-bench-"));
const redis = await startTemporaryRedis();
const queue = new JobQueue(redis.connection, new RedisKeys("nst"));
const api = await startApi({
  ...{ DATA_DIR: folder, REDIS_URL: redis.url },
  ...{ RATE_LIMIT_REQUESTS: "0", RATE_LIMIT_JOBS: "0", MAX_QUEUED_JOBS: "10000000" },
  ...{ MAX_QUEUED_JOBS_PER_OWNER: "10000000", MAX_JOBS_PER_OWNER: "100000000" },
});
const baseline = await startBaseline();
try {
  const ids = await enqueue(POLLED_JOBS);
  const polledJob = middle(ids);
  const view = await (await fetch(`${api.url}/v1/jobs/${polledJob}`)).text();
  for (const id of ids) await redis.connection.set(id, view);

  await poll(`${api.url}/v1/jobs`, ids, MANY_CLIENTS, 2);
  await poll(`${baseline.url}/jobs`, ids, MANY_CLIENTS, 2);
  const pollRatios: number[] = [];
  for (const clients of [MANY_CLIENTS, FEW_CLIENTS]) {
    const rates: number[] = [];
    const baselineRates: number[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      baselineRates.push(await poll(`${baseline.url}/jobs`, ids, clients, seconds));
      rates.push(await poll(`${api.url}/v1/jobs`, ids, clients, seconds));
    }
    const ratio = median(rates) / median(baselineRates);
    pollRatios.push(ratio);
    console.log(
      `polling by ${clients} clients: ${formatRate(rates)}; baseline: ${formatRate(baselineRates)}; ratio ${ratio.toFixed(2)}`,
    );
  }

  const submissionsPerSecond = await measureSubmissions();
  console.log(
    `submissions with two pictures of ${PICTURE_BYTES / 1000} kB: ${submissionsPerSecond.toFixed(0)} jobs/s`,
  );

  const shortQueueMs = await latency(`${api.url}/v1/jobs/${polledJob}`);
  const lastJob = middle(await enqueue(depth));
  const longQueueMs = await latency(`${api.url}/v1/jobs/${lastJob}`);
  const latencyRatio = longQueueMs / shortQueueMs;
  console.log(
    `GET of a queued job: ${shortQueueMs.toFixed(2)} ms with hundreds of jobs queued, ${longQueueMs.toFixed(2)} ms with ${depth}; ratio ${latencyRatio.toFixed(2)}`,
  );
  if (flags.json) {
    const [poll_ratio, poll_ratio_10_clients] = pollRatios;
    const figures = {
      poll_ratio,
      poll_ratio_10_clients,
      deep_queue_latency_ratio: latencyRatio,
      submits_per_s: submissionsPerSecond,
    };
    console.log(JSON.stringify(figures));
  }
} finally {
  baseline.stop();
  await api.stop();
  await queue.close();
  await redis.stop();
  await rm(folder, { recursive: true, force: true });
}

function formatRate(values: number[]): string {
  return `${median(values).toFixed(0)} requests/s`;
}

async function startBaseline(): Promise<{ url: string; stop(): void }> {
  const script = join(ROOT, "dist/bench/service/baseline-api.js");
  const child = spawn(process.execPath, [script, redis.url], { stdio: ["ignore", "pipe", "inherit"] });
  const { value: port } = await createInterface({ input: child.stdout })[Symbol.asyncIterator]().next();
  return { url: `http://127.0.0.1:${port}`, stop: () => child.kill("SIGKILL") };
}

/** Queues jobs as the API does, and returns their ids. */
async function enqueue(count: number): Promise<string[]> {
  const options = resolveOptions({ preset: "draft" }, 1);
  const allIds: string[] = [];
  while (allIds.length < count) {
    const ids = Array.from({ length: Math.min(200, count - allIds.length) }, () => v7());
    await Promise.all(
      ids.map((id) =>
        queue.submit({ id, options, content: `jobs/${id}/content`, styles: [`jobs/${id}/style-0`] }),
      ),
    );
    allIds.push(...ids);
  }
  return allIds;
}

function middle(ids: string[]): string {
  return ids[Math.floor(ids.length / 2)] ?? "";
}

/** Returns the requests per second of clients that cycle through the jobs, each from a different start. */
async function poll(url: string, ids: string[], connections: number, duration: number): Promise<number> {
  let clients = 0;
  const setupClient = (client: autocannon.Client) => {
    const start = (clients++ * 7) % ids.length;
    const order = [...ids.slice(start), ...ids.slice(0, start)];
    client.setRequests(order.map((id) => ({ path: `${new URL(url).pathname}/${id}` })));
  };
  const result = await autocannon({ url, duration, connections, setupClient });
  if (result.non2xx > 0 || result.errors > 0) throw new Error(`${url}: ${result.non2xx} requests failed`);
  return result.requests.average;
}

/** Returns the median latency of sequential requests in ms. */
async function latency(url: string): Promise<number> {
  const times: number[] = [];
  for (let count = 0; count < 1500; count += 1) {
    const before = performance.now();
    await (await fetch(url)).arrayBuffer();
    if (count >= 500) times.push(performance.now() - before);
  }
  return median(times);
}

async function measureSubmissions(): Promise<number> {
  const { body, contentType } = await submissionForm(PICTURE_BYTES);
  const headers = { "content-type": contentType };
  const submit = async (duration: number) => {
    const url = `${api.url}/v1/jobs`;
    const result = await autocannon({
      ...{ url, method: "POST", headers, body },
      ...{ connections: FEW_CLIENTS, duration },
    });
    if (result.non2xx > 0 || result.errors > 0) throw new Error(`${result.non2xx} submissions were rejected`);
    return result.requests.total / result.duration;
  };
  await submit(1);
  const rates: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) rates.push(await submit(seconds));
  return median(rates);
}
