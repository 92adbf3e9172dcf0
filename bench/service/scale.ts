/**
 * Measures throughput with several workers on one Redis. Engines are SIMULATED: a step is a sleep. Everything else is real:
 * worker processes, queue, records, decoding and storing pictures. Reports the share of the ideal throughput, the time
 * between a worker's jobs, and what a job costs Redis.
 *
 *     npm run bench:scale -- --step 100 --steps 20 --jobs 8 --json
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { v7 } from "uuid";
import { resolveOptions } from "../../src/contract/presets.ts";
import { JobQueue } from "../../src/jobs/job-queue.ts";
import { RedisKeys } from "../../src/redis/keys.ts";
import { ROOT } from "../../src/root.ts";
import { FilesystemBlobStore } from "../../src/storage/filesystem.ts";
import { noiseJpeg } from "../sample-pictures.ts";
import { median } from "../statistics.ts";
import { type RedisLoad, readLoad, subtractLoad } from "./redis-load.ts";
import { startTemporaryRedis } from "./temporary-redis.ts";

const WORKER_COUNTS = [1, 2, 4];

const { values: flags } = parseArgs({
  options: {
    step: { type: "string", default: "100" },
    steps: { type: "string", default: "20" },
    jobs: { type: "string", default: "8" },
    json: { type: "boolean", default: false },
  },
});
const [stepMs, steps, jobsPerWorker] = [flags.step, flags.steps, flags.jobs].map(Number) as [
  number,
  number,
  number,
];

interface Run {
  pid: number;
  startedAt: number;
  endedAt: number;
}

const folder = await mkdtemp(join(tmpdir(), "nst-scale-"));
const timesFile = join(folder, "times");
const redis = await startTemporaryRedis();
const queue = new JobQueue(redis.connection, new RedisKeys("nst"));
const store = new FilesystemBlobStore(join(folder, "blobs"));
const workers: ChildProcess[] = [];
try {
  console.log(
    `SIMULATED engines that sleep ${stepMs} ms per step; ${steps} steps per job, ${jobsPerWorker} jobs per worker`,
  );
  const ratios: { count: number; throughput_ratio: number }[] = [];
  const gaps: number[] = [];
  for (const count of WORKER_COUNTS) {
    while (workers.length < count) workers.push(await startWorker());
    const runs = await runJobs(count * jobsPerWorker, steps);
    const span =
      Math.max(...runs.map(({ endedAt }) => endedAt)) - Math.min(...runs.map(({ startedAt }) => startedAt));
    const ideal = jobsPerWorker * steps * stepMs;
    const gapsNow = gapsBetween(runs);
    gaps.push(...gapsNow);
    ratios.push({ count, throughput_ratio: round(ideal / span, 3) });
    const rate = ((1000 * runs.length) / span).toFixed(2);
    console.log(
      `${count} workers: ${rate} jobs/s, ${(ideal / span).toFixed(3)} of the ideal; ${median(gapsNow).toFixed(0)} ms between jobs`,
    );
  }
  const cost = await measureRedis();
  printLimits(cost);
  const handover_p50_ms = round(median(gaps), 1);
  console.log(`between jobs: p50 ${handover_p50_ms} ms of ${gaps.length}`);
  if (flags.json) console.log(JSON.stringify({ workers: ratios, handover_p50_ms, ...cost }));
} finally {
  for (const worker of workers) worker.kill("SIGKILL");
  await queue.close();
  await redis.stop();
  await rm(folder, { recursive: true, force: true });
}

async function startWorker(): Promise<ChildProcess> {
  const worker = spawn(
    process.execPath,
    [join(ROOT, "dist/bench/service/simulated/worker.js"), flags.step, timesFile],
    {
      env: { ...process.env, REDIS_URL: redis.url, DATA_DIR: folder, LOG_LEVEL: "silent" },
      stdio: ["ignore", "pipe", "inherit"],
    },
  );
  await once(worker.stdout, "data");
  return worker;
}

/** Queues jobs and resolves when all have ended. */
async function runJobs(count: number, jobSteps: number): Promise<Run[]> {
  await writeFile(timesFile, "");
  const picture = await noiseJpeg(128);
  const ids = await Promise.all(
    Array.from({ length: count }, async () => {
      const id = v7();
      const [content, style] = [`jobs/${id}/content`, `jobs/${id}/style-0`];
      await Promise.all([content, style].map((key) => store.put(key, picture)));
      const options = resolveOptions({ preset: "draft", size: 128, steps: jobSteps, preview_interval: 0 }, 1);
      await queue.submit({ id, options, content, styles: [style] });
      return id;
    }),
  );
  for (const id of ids) while ((await queue.find(id))?.status !== "succeeded") await sleep(100);
  const lines = (await readFile(timesFile, "utf8")).trim().split("\n");
  return lines.map((line) => JSON.parse(line) as Run);
}

/** The times in ms from the last step of a worker's job to the first step of its next job. */
function gapsBetween(runs: Run[]): number[] {
  const sorted = [...runs].sort((a, b) => a.pid - b.pid || a.startedAt - b.startedAt);
  return sorted.flatMap(({ pid, startedAt }, index) => {
    const previous = sorted[index - 1];
    return previous?.pid === pid ? [startedAt - previous.endedAt] : [];
  });
}

/** What a job costs Redis, per job and per second that it runs, without the cost of idle workers. */
async function measureRedis() {
  const count = 4 * workers.length;
  const idle = await loadOf(() => sleep(5_000));
  const short = await loadOf(() => runJobs(count, steps));
  const long = await loadOf(() => runJobs(count, 3 * steps));
  const jobSeconds = (steps * stepMs) / 1000;
  const idlePerSecond = (key: keyof RedisLoad) => idle[key] / 5;
  const net = (load: RedisLoad & { seconds: number }, key: keyof RedisLoad) =>
    (load[key] - idlePerSecond(key) * load.seconds) / count;
  const split = (key: keyof RedisLoad) => {
    const perSecond = (net(long, key) - net(short, key)) / (2 * jobSeconds);
    return { perJob: net(short, key) - perSecond * jobSeconds, perSecond };
  };
  const [commands, bytes, cpu] = [split("commands"), split("bytes"), split("cpuSeconds")];
  return {
    redis: {
      commands_per_job: round(commands.perJob, 1),
      commands_per_running_second: round(commands.perSecond, 1),
      bytes_per_job: Math.round(bytes.perJob),
      bytes_per_running_second: Math.round(bytes.perSecond),
      cpu_ms_per_job: round(1000 * cpu.perJob, 2),
      cpu_ms_per_running_second: round(1000 * cpu.perSecond, 3),
      event_stream_cpu_ms_per_event: round(await eventStreamCost(), 3),
      idle_commands_per_worker_second: round(idlePerSecond("commands") / workers.length, 1),
    },
  };
}

async function loadOf(action: () => Promise<unknown>): Promise<RedisLoad & { seconds: number }> {
  const [before, started] = [await readLoad(redis.connection), performance.now()];
  await action();
  return {
    ...subtractLoad(await readLoad(redis.connection), before),
    seconds: (performance.now() - started) / 1000,
  };
}

/** CPU time in ms that an event stream costs Redis when its job changes: the message, and reading the record again. */
async function eventStreamCost(): Promise<number> {
  const changes = 20_000;
  const [id] = (await queue.list({ limit: 1 })).map((record) => record.id);
  const unwatch = await queue.watch(id ?? "", () => undefined);
  const { cpuSeconds } = await loadOf(async () => {
    for (let done = 0; done < changes; done += 100) {
      await Promise.all(Array.from({ length: 100 }, () => queue.find(id ?? "")));
    }
  });
  await unwatch();
  return (1000 * cpuSeconds) / changes;
}

/** Prints how much one Redis can do at most, because it runs commands on one core. */
function printLimits({ redis: cost }: Awaited<ReturnType<typeof measureRedis>>): void {
  console.log(`Redis: ${JSON.stringify(cost)}`);
  console.log(
    `One of these uses one core of Redis: ${Math.round(1000 / cost.cpu_ms_per_job)} jobs/s; ` +
      `${Math.round(1000 / cost.cpu_ms_per_running_second)} running jobs; ` +
      `${Math.round(1000 / cost.event_stream_cpu_ms_per_event / 4)} event streams at 4 events/s`,
  );
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
