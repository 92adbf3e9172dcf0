/**
 * One Redis and several workers whose engines are SIMULATED: a step is a sleep. Everything else is real: worker processes,
 * queue, records, pictures decoded and stored. Says how much of the ideal throughput is reached, how long a worker
 * takes from the last step of a job to the first one of the next, and what a job costs Redis.
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
import { connectForRequests } from "../../src/redis/connection.ts";
import { RedisKeys } from "../../src/redis/keys.ts";
import { ROOT } from "../../src/root.ts";
import { FilesystemBlobStore } from "../../src/storage/filesystem.ts";
import { jpeg } from "../../test/support/pictures.ts";
import { connected, TestRedis } from "../../test/support/redis.ts";
import { median } from "../statistics.ts";
import { type Load, readLoad, since } from "./redis-load.ts";

const COUNTS = [1, 2, 4];

const { values: flags } = parseArgs({
  options: {
    step: { type: "string", default: "100" },
    steps: { type: "string", default: "20" },
    jobs: { type: "string", default: "8" },
    json: { type: "boolean", default: false },
  },
});
const [stepMs, steps, jobsEach] = [flags.step, flags.steps, flags.jobs].map(Number) as [
  number,
  number,
  number,
];

interface Painting {
  pid: number;
  begun: number;
  ended: number;
}

const folder = await mkdtemp(join(tmpdir(), "nst-scale-"));
const times = join(folder, "times");
const server = await TestRedis.start();
// As in production: the append-only file is flushed once a second.
await server.kill("SIGTERM");
await server.start("--appendfsync", "everysec");
const redis = await connected(connectForRequests(server.url));
const queue = new JobQueue(redis, new RedisKeys("nst"));
const store = new FilesystemBlobStore(join(folder, "blobs"));
const workers: ChildProcess[] = [];
try {
  console.log(
    `SIMULATION: engines that sleep ${stepMs} ms a step; ${steps} steps a job, ${jobsEach} jobs a worker`,
  );
  const ratios: { count: number; throughput_ratio: number }[] = [];
  const handovers: number[] = [];
  for (const count of COUNTS) {
    while (workers.length < count) workers.push(await startWorker());
    const paintings = await paintAll(count * jobsEach, steps);
    const span =
      Math.max(...paintings.map(({ ended }) => ended)) - Math.min(...paintings.map(({ begun }) => begun));
    const ideal = jobsEach * steps * stepMs;
    const between = handoversOf(paintings);
    handovers.push(...between);
    ratios.push({ count, throughput_ratio: round(ideal / span, 3) });
    const rate = ((1000 * paintings.length) / span).toFixed(2);
    console.log(
      `${count} workers: ${rate} jobs/s, ${(ideal / span).toFixed(3)} of the ideal; hand-over ${median(between).toFixed(0)} ms`,
    );
  }
  const cost = await costs();
  report(cost);
  const handover_p50_ms = round(median(handovers), 1);
  console.log(`hand-over: p50 ${handover_p50_ms} ms of ${handovers.length}`);
  if (flags.json) console.log(JSON.stringify({ workers: ratios, handover_p50_ms, ...cost }));
} finally {
  for (const worker of workers) worker.kill("SIGKILL");
  await queue.close();
  await server.stop();
  await rm(folder, { recursive: true, force: true });
}

async function startWorker(): Promise<ChildProcess> {
  const worker = spawn(
    process.execPath,
    [join(ROOT, "dist/bench/service/simulated/worker.js"), flags.step, times],
    {
      env: { ...process.env, REDIS_URL: server.url, DATA_DIR: folder, LOG_LEVEL: "silent" },
      stdio: ["ignore", "pipe", "inherit"],
    },
  );
  await once(worker.stdout, "data");
  return worker;
}

/** Queues jobs and resolves with their paintings when all have ended. */
async function paintAll(count: number, jobSteps: number): Promise<Painting[]> {
  await writeFile(times, "");
  const picture = await jpeg({ width: 128, height: 96 });
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
  const lines = (await readFile(times, "utf8")).trim().split("\n");
  return lines.map((line) => JSON.parse(line) as Painting);
}

/** Times from the end of a worker's painting to the begin of its next one. */
function handoversOf(paintings: Painting[]): number[] {
  const sorted = [...paintings].sort((a, b) => a.pid - b.pid || a.begun - b.begun);
  return sorted.flatMap(({ pid, begun }, index) => {
    const before = sorted[index - 1];
    return before?.pid === pid ? [begun - before.ended] : [];
  });
}

/** What Redis does for a job: by itself, and for each second that it runs, beyond what idle workers cost. */
async function costs() {
  const count = 4 * workers.length;
  const idle = await loadOf(() => sleep(5_000));
  const short = await loadOf(() => paintAll(count, steps));
  const long = await loadOf(() => paintAll(count, 3 * steps));
  const jobSeconds = (steps * stepMs) / 1000;
  const perSecond = (key: keyof Load) => idle[key] / 5;
  const net = (load: Load & { seconds: number }, key: keyof Load) =>
    (load[key] - perSecond(key) * load.seconds) / count;
  const split = (key: keyof Load) => {
    const second = (net(long, key) - net(short, key)) / (2 * jobSeconds);
    return { job: net(short, key) - second * jobSeconds, second };
  };
  const [commands, bytes, cpu] = [split("commands"), split("bytes"), split("cpuSeconds")];
  return {
    redis: {
      commands_per_job: round(commands.job, 1),
      commands_per_running_second: round(commands.second, 1),
      bytes_per_job: Math.round(bytes.job),
      bytes_per_running_second: Math.round(bytes.second),
      cpu_ms_per_job: round(1000 * cpu.job, 2),
      cpu_ms_per_running_second: round(1000 * cpu.second, 3),
      watcher_cpu_ms_per_event: round(await watcherCost(), 3),
      idle_commands_per_worker_second: round(perSecond("commands") / workers.length, 1),
    },
  };
}

async function loadOf(action: () => Promise<unknown>): Promise<Load & { seconds: number }> {
  const [before, started] = [await readLoad(redis), performance.now()];
  await action();
  return { ...since(before, await readLoad(redis)), seconds: (performance.now() - started) / 1000 };
}

/** An event stream's part at a change of its job: the message, and the record that is read again. In ms. */
async function watcherCost(): Promise<number> {
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

/** What one Redis, which computes on one core, can carry at most. */
function report({ redis: cost }: Awaited<ReturnType<typeof costs>>): void {
  console.log(`Redis: ${JSON.stringify(cost)}`);
  console.log(
    `At most, each by itself, with one core of Redis busy: ${Math.round(1000 / cost.cpu_ms_per_job)} jobs/s begun and ended; ` +
      `${Math.round(1000 / cost.cpu_ms_per_running_second)} workers that run a job; ` +
      `${Math.round(1000 / cost.watcher_cpu_ms_per_event / 4)} event streams at 4 events/s`,
  );
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
