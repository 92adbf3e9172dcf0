/**
 * Floods an API process with default limits: so many submissions from so many connections at once, none of which
 * comes again; then the same with clients that come again when they were told to, until each job is accepted.
 *
 *     npm run flood -- --submissions 2000 --connections 200 --json
 *
 * Ends with 1 where one was not answered, was answered with a 5xx that is no deliberate 503, or was accepted and lost.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { Agent, type IncomingMessage, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { JobQueue } from "../../src/jobs/job-queue.ts";
import { connectForRequests } from "../../src/redis/connection.ts";
import { RedisKeys } from "../../src/redis/keys.ts";
import { addressOf } from "../../test/e2e/client.ts";
import { memoryOf } from "../../test/support/handles.ts";
import { draw } from "../../test/support/pictures.ts";
import { ProgramProcess } from "../../test/support/programs.ts";
import { connected, TestRedis } from "../../test/support/redis.ts";
import { median } from "../statistics.ts";

const { values: flags } = parseArgs({
  options: {
    submissions: { type: "string", default: "2000" },
    connections: { type: "string", default: "200" },
    json: { type: "boolean", default: false },
  },
});
const submissions = Number(flags.submissions);
const connections = Number(flags.connections);

interface Answer {
  status: number;
  retryAfter: number;
  ms: number;
}

const folder = await mkdtemp(join(tmpdir(), "nst-flood-"));
const server = await TestRedis.start();
const queue = new JobQueue(await connected(connectForRequests(server.url)), new RedisKeys("nst"));
const api = new ProgramProcess("src/main.js", {
  ...{ REDIS_URL: server.url, DATA_DIR: folder, PORT: "0", LOG_LEVEL: "info" },
  MAX_QUEUED_JOBS_PER_OWNER: String(10 * submissions),
});
try {
  const url = await addressOf(api);
  const { body, type } = await form();
  const idle = await memoryOf(api.pid);
  const once = await flood(url, body, type, false);
  const again = await flood(url, body, type, true);
  const memory = await memoryOf(api.pid);
  const found = (await queue.statistics.countByStatus()).queued;
  const accepted = count(once, 202) + count(again, 202);
  const first = summary(once);
  const second = summary(again);
  const figures = {
    ...{ submissions, connections, once: first, again: second },
    lost: accepted - found,
    ...{ memory_idle_mib: Math.round(idle.now), memory_peak_mib: Math.round(memory.peak) },
  };
  for (const [name, { accepted, refused, wrong, unanswered, p50_ms, p99_ms }] of Object.entries({
    "coming once": first,
    "coming again": second,
  })) {
    console.log(
      `${name}: ${accepted} accepted, ${refused} refused with 503 and Retry-After, ${wrong} otherwise, ` +
        `${unanswered} unanswered, an answer took ${p50_ms} ms (median), ${p99_ms} ms (99th percentile)`,
    );
  }
  console.log(`accepted and not found: ${figures.lost}`);
  console.log(
    `memory of the API: ${figures.memory_idle_mib} MiB idle, ${figures.memory_peak_mib} MiB at most`,
  );
  if (flags.json) console.log(JSON.stringify(figures));
  const good = [first, second].every(({ wrong, unanswered }) => wrong + unanswered === 0);
  process.exitCode = good && figures.lost === 0 && second.accepted === submissions ? 0 : 1;
} finally {
  await api.end();
  await queue.close();
  await server.stop();
  await rm(folder, { recursive: true, force: true });
}

/** Each connection sends its share, one submission after the other. */
async function flood(url: string, body: Buffer, type: string, insist: boolean): Promise<Answer[]> {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const answers: Answer[] = [];
  let left = submissions;
  const connection = async () => {
    while (left > 0) {
      left -= 1;
      for (;;) {
        const answer = await submit(agent, url, body, type);
        answers.push(answer);
        if (!insist || answer.status === 202) break;
        // As clients do: not all at the same moment.
        await sleep(1_000 * Math.max(answer.retryAfter, 0.1) * (0.5 + Math.random()));
      }
    }
  };
  await Promise.all(Array.from({ length: connections }, connection));
  agent.destroy();
  return answers;
}

/** Status 0: there was no answer. */
async function submit(agent: Agent, url: string, body: Buffer, type: string): Promise<Answer> {
  const started = performance.now();
  const response = await new Promise<IncomingMessage | null>((resolve) => {
    const headers = { "content-type": type, "content-length": body.length };
    const outgoing = request(`${url}/v1/jobs`, { agent, method: "POST", headers });
    outgoing.on("response", resolve);
    outgoing.on("error", () => resolve(null));
    outgoing.end(body);
  });
  if (response) await response.resume().toArray();
  const retryAfter = Number(response?.headers["retry-after"] ?? 0);
  return { status: response?.statusCode ?? 0, retryAfter, ms: performance.now() - started };
}

function count(answers: Answer[], status: number): number {
  return answers.filter((answer) => answer.status === status).length;
}

function summary(answers: Answer[]) {
  const refused = answers.filter(({ status, retryAfter }) => status === 503 && retryAfter > 0).length;
  const times = answers.map(({ ms }) => ms).sort((a, b) => a - b);
  const accepted = count(answers, 202);
  const unanswered = count(answers, 0);
  return {
    ...{ accepted, refused, unanswered },
    wrong: answers.length - accepted - refused - unanswered,
    p50_ms: Math.round(median(times)),
    p99_ms: Math.round(times[Math.floor(times.length * 0.99)] ?? 0),
  };
}

/** Two pictures of some 100 kB, as a form. */
async function form(): Promise<{ body: Buffer; type: string }> {
  const data = new FormData();
  for (const [index, name] of ["content", "style"].entries()) {
    const picture = await draw({ width: 1200, height: 900, seed: index + 1 })
      .jpeg({ quality: 85 })
      .toBuffer();
    data.append(name, new Blob([new Uint8Array(picture)]), `${name}.jpg`);
  }
  const encoded = new Response(data);
  return {
    body: Buffer.from(await encoded.arrayBuffer()),
    type: encoded.headers.get("content-type") ?? "",
  };
}
