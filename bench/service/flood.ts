/**
 * Floods an API process that has default limits with submissions. First, clients do not retry; then they retry after the
 * time that `Retry-After` says, until each job is accepted:
 *
 *     npm run flood -- --submissions 2000 --connections 200 --json
 *
 * Exits with 1 if a request got no response or an unexpected one, or if an accepted job is not in the queue.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { Agent, type IncomingMessage, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { JobQueue } from "../../src/jobs/job-queue.ts";
import { RedisKeys } from "../../src/redis/keys.ts";
import { processMemory } from "../process-memory.ts";
import { submissionForm } from "../sample-pictures.ts";
import { median } from "../statistics.ts";
import { startApi } from "./api-process.ts";
import { startTemporaryRedis } from "./temporary-redis.ts";

const { values: flags } = parseArgs({
  options: {
    submissions: { type: "string", default: "2000" },
    connections: { type: "string", default: "200" },
    json: { type: "boolean", default: false },
  },
});
const submissions = Number(flags.submissions);
const connections = Number(flags.connections);
const PICTURE_BYTES = 100_000;

interface SubmissionResponse {
  /** 0 if there was no response. */
  status: number;
  retryAfter: number;
  ms: number;
}

const folder = await mkdtemp(join(tmpdir(), "nst-flood-"));
const redis = await startTemporaryRedis();
const queue = new JobQueue(redis.connection, new RedisKeys("nst"));
const api = await startApi({
  ...{ REDIS_URL: redis.url, DATA_DIR: folder },
  MAX_QUEUED_JOBS_PER_OWNER: String(10 * submissions),
});
try {
  const form = await submissionForm(PICTURE_BYTES);
  const idle = await processMemory(api.pid);
  const results = {
    without_retries: summarize(await flood(form, false)),
    with_retries: summarize(await flood(form, true)),
  };
  const { peakMib } = await processMemory(api.pid);
  const { queued } = await queue.statistics.countByStatus();
  const lost = results.without_retries.accepted + results.with_retries.accepted - queued;
  for (const [name, result] of Object.entries(results)) {
    console.log(
      `${name}: ${result.accepted} accepted, ${result.rejected} rejected with 503 and Retry-After, ` +
        `${result.unexpected} unexpected, ${result.unanswered} unanswered; ` +
        `response time ${result.p50_ms} ms (median), ${result.p99_ms} ms (99th percentile)`,
    );
  }
  console.log(`accepted but not in the queue: ${lost}`);
  console.log(`memory of the API: ${idle.currentMib.toFixed(0)} MiB idle, ${peakMib.toFixed(0)} MiB peak`);
  if (flags.json) {
    const memory = { idle_mib: Math.round(idle.currentMib), peak_mib: Math.round(peakMib) };
    console.log(JSON.stringify({ submissions, connections, ...results, lost, memory }));
  }
  const isExpected = Object.values(results).every(
    ({ unexpected, unanswered }) => unexpected + unanswered === 0,
  );
  process.exitCode = isExpected && lost === 0 && results.with_retries.accepted === submissions ? 0 : 1;
} finally {
  await api.stop();
  await queue.close();
  await redis.stop();
  await rm(folder, { recursive: true, force: true });
}

type Form = Awaited<ReturnType<typeof submissionForm>>;

/** Each connection sends submissions one after the other. */
async function flood(form: Form, retries: boolean): Promise<SubmissionResponse[]> {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const responses: SubmissionResponse[] = [];
  let remaining = submissions;
  const sendSubmissions = async () => {
    while (remaining > 0) {
      remaining -= 1;
      for (;;) {
        const response = await submit(agent, form);
        responses.push(response);
        if (!retries || response.status === 202) break;
        // Jitter, so that the clients do not retry at the same moment.
        await sleep(1_000 * Math.max(response.retryAfter, 0.1) * (0.5 + Math.random()));
      }
    }
  };
  await Promise.all(Array.from({ length: connections }, sendSubmissions));
  agent.destroy();
  return responses;
}

async function submit(agent: Agent, { body, contentType }: Form): Promise<SubmissionResponse> {
  const started = performance.now();
  const response = await new Promise<IncomingMessage | null>((resolve) => {
    const headers = { "content-type": contentType, "content-length": body.length };
    const outgoing = request(`${api.url}/v1/jobs`, { agent, method: "POST", headers });
    outgoing.on("response", resolve);
    outgoing.on("error", () => resolve(null));
    outgoing.end(body);
  });
  if (response) await response.resume().toArray();
  const retryAfter = Number(response?.headers["retry-after"] ?? 0);
  return { status: response?.statusCode ?? 0, retryAfter, ms: performance.now() - started };
}

function summarize(responses: SubmissionResponse[]) {
  const count = (matches: (response: SubmissionResponse) => boolean) => responses.filter(matches).length;
  const accepted = count(({ status }) => status === 202);
  const rejected = count(({ status, retryAfter }) => status === 503 && retryAfter > 0);
  const unanswered = count(({ status }) => status === 0);
  const times = responses.map(({ ms }) => ms).sort((a, b) => a - b);
  return {
    ...{ accepted, rejected, unanswered },
    unexpected: responses.length - accepted - rejected - unanswered,
    p50_ms: Math.round(median(times)),
    p99_ms: Math.round(times[Math.floor(times.length * 0.99)] ?? 0),
  };
}
