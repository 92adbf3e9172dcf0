import { type ClientRequest, request } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import type { TestClient } from "../support/harness/test-client.ts";
import { until } from "../support/until.ts";
import { descendantsOf } from "./memory-peaks.ts";
import { type AbusedService, SLOTS } from "./service.ts";

/** What remains after a case beyond what its jobs keep by right. */
export interface LeftOver {
  /** Slots for uploads and streams that were not released. */
  slots: number;
  files: number;
  redis_bytes: number;
  processes: number;
}

/** Redis rounds what it allocates, and counters have more digits. */
const REDIS_NOISE_BYTES = 16 * 1024;
const SETTLE_MS = 15_000;
/** A refusal comes at once. */
const REFUSAL_MS = 700;

export interface Kept {
  files: number;
  redisBytes: number;
  processes: number;
}

export async function whatIsKept(service: AbusedService): Promise<Kept> {
  const processes = await descendantsOf(service.api.pid);
  return {
    files: await service.files(),
    redisBytes: await service.redisBytes(),
    processes: processes.length,
  };
}

/** What is left compared to `before`, once it no longer becomes less, or after a while. */
export async function leftOver(service: AbusedService, before: Kept): Promise<LeftOver> {
  let left: LeftOver = { slots: 0, files: 0, redis_bytes: 0, processes: 0 };
  const settled = async () => {
    const now = await whatIsKept(service);
    const redisBytes = now.redisBytes - before.redisBytes;
    left = {
      slots: await lostSlots(service),
      files: Math.max(0, now.files - before.files),
      redis_bytes: redisBytes > REDIS_NOISE_BYTES ? redisBytes : 0,
      processes: Math.max(0, now.processes - before.processes),
    };
    return Object.values(left).every((count) => count === 0);
  };
  await until(settled, SETTLE_MS).catch(() => undefined);
  return left;
}

/** How many of the attacker's slots for uploads and for streams are not free. */
async function lostSlots({ attacker }: AbusedService): Promise<number> {
  const upload = { method: "POST", path: "/v1/jobs", headers: { "content-length": "1000" } };
  const uploads = await refusals(attacker, { ...upload, headers: { ...upload.headers, ...FORM } });
  // A stream of an ended job ends at once: it needs one that waits.
  const { id } = await attacker.submitSmall();
  const streams = await refusals(attacker, { method: "GET", path: `/v1/jobs/${id}/events`, headers: {} });
  await attacker.fetch(`/v1/jobs/${id}`, { method: "DELETE" });
  return uploads + streams;
}

const FORM = { "content-type": "multipart/form-data; boundary=x" };

/** Opens as many requests as an owner may have, and counts those that are refused for want of a slot. */
async function refusals(
  { address, authorization }: TestClient,
  { method, path, headers }: { method: string; path: string; headers: Record<string, string> },
): Promise<number> {
  let refused = 0;
  const opened: ClientRequest[] = [];
  for (let index = 0; index < SLOTS / 2; index += 1) {
    const outgoing = request(`${address}${path}`, {
      ...{ method, agent: false },
      headers: { ...authorization, ...headers },
    });
    outgoing.on("error", () => undefined);
    outgoing.on("response", (answer) => {
      if (answer.statusCode === 503) refused += 1;
      answer.resume();
    });
    if (method === "POST") outgoing.write("--x\r\n");
    else outgoing.end();
    opened.push(outgoing);
  }
  await sleep(REFUSAL_MS);
  for (const outgoing of opened) outgoing.destroy();
  return refused;
}
