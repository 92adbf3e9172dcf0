/**
 * Times the API as a process of its own, beside a bare Fastify and Redis GET in the same run:
 *
 *     npm run bench:api -- --seconds 4 --depth 100000 --json
 *
 * Polling is that of queued jobs with their exact positions, which costs more than that of running ones; each client
 * goes through a hundred jobs from another one on. Fifty clients keep a process busy, which throughput is about; with
 * ten it waits for Redis and for them in between, and `poll_ratio_10_clients` says what is left of it then.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import autocannon from "autocannon";
import { v7 } from "uuid";
import { resolveOptions } from "../../src/contract/presets.ts";
import { JobQueue } from "../../src/jobs/job-queue.ts";
import { connectForRequests } from "../../src/redis/connection.ts";
import { RedisKeys } from "../../src/redis/keys.ts";
import { ROOT } from "../../src/root.ts";
import { draw } from "../../test/support/pictures.ts";
import { TestRedis } from "../../test/support/redis.ts";
import { median } from "../statistics.ts";

const ROUNDS = 3;
const SHALLOW = 100;
const CONNECTIONS = 10;
const MANY_CONNECTIONS = 50;
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
// An append-only file flushed once a second: the disk is not what is compared.
const server = await TestRedis.start();
await server.kill("SIGTERM");
await server.start("--appendfsync", "everysec");
const redis = connectForRequests(server.url);
if (redis.status !== "ready") await once(redis, "ready");
const queue = new JobQueue(redis, new RedisKeys("nst"));
const children: ChildProcess[] = [];
try {
  const api = await startApi();
  const bare = await startBare();
  const ids = await fill(SHALLOW);
  const watched = middle(ids);
  const view = await (await fetch(`${api}/v1/jobs/${watched}`)).text();
  for (const id of ids) await redis.set(id, view);

  await poll(`${api}/v1/jobs`, ids, MANY_CONNECTIONS, 2);
  await poll(`${bare}/jobs`, ids, MANY_CONNECTIONS, 2);
  const pollRatios: number[] = [];
  for (const connections of [MANY_CONNECTIONS, CONNECTIONS]) {
    const polls: number[] = [];
    const bares: number[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      bares.push(await poll(`${bare}/jobs`, ids, connections, seconds));
      polls.push(await poll(`${api}/v1/jobs`, ids, connections, seconds));
    }
    const ratio = median(polls) / median(bares);
    pollRatios.push(ratio);
    console.log(
      `polling by ${connections} clients: ${rate(polls)}; bare: ${rate(bares)}; ratio ${ratio.toFixed(2)}`,
    );
  }

  const submitted = await submitAll(api);
  console.log(`submitting two pictures of ${PICTURE_BYTES / 1000} kB: ${submitted.toFixed(0)} jobs/s`);

  const shallow = await latency(`${api}/v1/jobs/${watched}`);
  const deepJob = middle(await fill(depth));
  const deep = await latency(`${api}/v1/jobs/${deepJob}`);
  const deepRatio = deep / shallow;
  console.log(
    `a view with its position: ${shallow.toFixed(2)} ms in a queue of hundreds, ${deep.toFixed(2)} ms in one of ${depth}; ratio ${deepRatio.toFixed(2)}`,
  );
  if (flags.json) {
    const [poll_ratio, poll_ratio_10_clients] = pollRatios;
    const figures = {
      poll_ratio,
      poll_ratio_10_clients,
      deep_queue_latency_ratio: deepRatio,
      submits_per_s: submitted,
    };
    console.log(JSON.stringify(figures));
  }
} finally {
  for (const child of children) {
    child.kill("SIGKILL");
    await once(child, "exit");
  }
  await queue.close();
  await server.stop();
  await rm(folder, { recursive: true, force: true });
}

function rate(values: number[]): string {
  return `${median(values).toFixed(0)} requests/s`;
}

async function startApi(): Promise<string> {
  const free = createServer().listen(0, "127.0.0.1");
  await once(free, "listening");
  const { port } = free.address() as AddressInfo;
  free.close();
  const environment = {
    ...process.env,
    ...{
      NODE_ENV: "production",
      LOG_LEVEL: "warn",
      PORT: String(port),
      DATA_DIR: folder,
      REDIS_URL: server.url,
    },
    // What one client may do is not what is measured.
    ...{ RATE_LIMIT_REQUESTS: "0", RATE_LIMIT_JOBS: "0" },
    ...{
      MAX_QUEUED_JOBS: "10000000",
      MAX_QUEUED_JOBS_PER_OWNER: "10000000",
      MAX_JOBS_PER_OWNER: "100000000",
    },
  };
  const script = join(ROOT, "dist/src/main.js");
  children.push(
    spawn(process.execPath, [script], { env: environment, stdio: ["ignore", "ignore", "inherit"] }),
  );
  const url = `http://127.0.0.1:${port}`;
  for (let tries = 0; tries < 200; tries += 1) {
    const alive = await fetch(`${url}/livez`).then(
      ({ ok }) => ok,
      () => false,
    );
    if (alive) return url;
    await sleep(100);
  }
  throw new Error("The API did not start");
}

async function startBare(): Promise<string> {
  const script = join(ROOT, "dist/bench/service/bare-api.js");
  const child = spawn(process.execPath, [script, server.url], { stdio: ["ignore", "pipe", "inherit"] });
  children.push(child);
  const { value: port } = await createInterface({ input: child.stdout })[Symbol.asyncIterator]().next();
  return `http://127.0.0.1:${port}`;
}

/** Queues so many jobs as the API would, and gives their ids. */
async function fill(count: number): Promise<string[]> {
  const options = resolveOptions({ preset: "draft" }, 1);
  const all: string[] = [];
  for (let at = 0; at < count; at += 200) {
    const ids = Array.from({ length: Math.min(200, count - at) }, () => v7());
    await Promise.all(
      ids.map((id) =>
        queue.submit({ id, options, content: `jobs/${id}/content`, styles: [`jobs/${id}/style-0`] }),
      ),
    );
    all.push(...ids);
  }
  return all;
}

function middle(ids: string[]): string {
  return ids[Math.floor(ids.length / 2)] ?? "";
}

/** Requests a second, by clients that each ask for one job after the other, begun at different ones. */
async function poll(url: string, ids: string[], connections: number, duration: number): Promise<number> {
  let clients = 0;
  const setupClient = (client: autocannon.Client) => {
    const start = (clients++ * 7) % ids.length;
    const order = [...ids.slice(start), ...ids.slice(0, start)];
    client.setRequests(order.map((id) => ({ path: `${new URL(url).pathname}/${id}` })));
  };
  const result = await autocannon({ url, duration, connections, setupClient });
  if (result.non2xx > 0 || result.errors > 0) throw new Error(`${url}: ${result.non2xx} refusals`);
  return result.requests.average;
}

/** Median time of one request at a time, in ms: several at once would measure the wait for each other. */
async function latency(url: string): Promise<number> {
  const times: number[] = [];
  for (let count = 0; count < 1500; count += 1) {
    const before = performance.now();
    await (await fetch(url)).arrayBuffer();
    if (count >= 500) times.push(performance.now() - before);
  }
  return median(times);
}

async function submitAll(api: string): Promise<number> {
  const data = new FormData();
  for (const [index, name] of ["content", "style"].entries()) {
    const bytes = await pictureOf(PICTURE_BYTES, index + 1);
    data.append(name, new Blob([new Uint8Array(bytes)]), `${name}.jpg`);
  }
  const encoded = new Response(data);
  const headers = { "content-type": encoded.headers.get("content-type") ?? "" };
  const body = Buffer.from(await encoded.arrayBuffer());
  const url = `${api}/v1/jobs`;
  await autocannon({ url, method: "POST", headers, body, connections: CONNECTIONS, duration: 1 });
  const rates: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const result = await autocannon({
      url,
      method: "POST",
      headers,
      body,
      connections: CONNECTIONS,
      duration: seconds,
    });
    if (result.non2xx > 0 || result.errors > 0) throw new Error(`${result.non2xx} submissions were refused`);
    rates.push(result.requests.total / result.duration);
  }
  return median(rates);
}

/** A JPEG of about so many bytes, of the shape that cameras give. */
async function pictureOf(bytes: number, seed: number): Promise<Buffer> {
  for (let width = 400; ; width += 40) {
    const picture = await draw({ width, height: Math.round(width * 0.75), seed })
      .jpeg({ quality: 85 })
      .toBuffer();
    if (picture.length >= bytes) return picture;
  }
}
