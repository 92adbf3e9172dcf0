import { readdir } from "node:fs/promises";
import type { Redis } from "ioredis";
import { ApiKeyStore } from "../../src/auth/api-key-store.ts";
import { connectForRequests } from "../../src/redis/connection.ts";
import { RedisKeys } from "../../src/redis/keys.ts";
import { TestDeployment } from "../support/harness/deployment.ts";
import type { ProgramProcess } from "../support/harness/program.ts";
import { connected } from "../support/harness/redis.ts";
import { TestClient } from "../support/harness/test-client.ts";
import { until } from "../support/until.ts";
import { Pauses } from "./pauses.ts";
import { type Message, send } from "./send.ts";

/** A key that expires within this time is no leak: a rate limit, a heartbeat. */
const SHORT_LIVED_MS = 120_000;
/** Small, so that a few open requests show whether one was lost. An owner may use half. */
export const SLOTS = 16;

/** The service under abuse, with an owner who abuses it, and another one. */
export class AbusedService {
  private constructor(
    readonly deployment: TestDeployment,
    readonly redis: Redis,
    readonly pauses: Pauses,
    readonly api: ProgramProcess,
    readonly url: string,
    readonly attacker: TestClient,
    readonly other: TestClient,
    /** A succeeded job of the attacker, with a timelapse. */
    readonly painted: string,
  ) {}

  static async start(): Promise<AbusedService> {
    const [deployment, pauses] = [await TestDeployment.create(), await Pauses.start()];
    const { api, address } = await deployment.startApi({
      ...pauses.environment,
      ...{ RATE_LIMIT_REQUESTS: "0", RATE_LIMIT_JOBS: "0", URL_ALLOWED_NETWORKS: "127.0.0.1/32" },
      ...{ MAX_UPLOADS: String(SLOTS), MAX_STREAMS: String(SLOTS), LOG_LEVEL: "info" },
    });
    await pauses.ready(api.pid);
    const redis = await connected(connectForRequests(deployment.redis.url));
    const keys = new ApiKeyStore(redis, new RedisKeys("nst"));
    const clientOf = async (owner: string) => {
      const { text } = await keys.create({ owner, name: "", scopes: ["submit", "read"], lifetimeMs: null });
      return new TestClient(address, text);
    };
    const [attacker, other] = [await clientOf("attacker"), await clientOf("other")];
    const painted = await paintOne(deployment, attacker);
    return new AbusedService(deployment, redis, pauses, api, address, attacker, other, painted);
  }

  /** Sends a request with the attacker's key. */
  send(path: string, { headers, ...message }: Message = {}) {
    return send(`${this.url}${path}`, {
      ...message,
      headers: { ...this.attacker.authorization, ...headers },
    });
  }

  /** Ids of the attacker's jobs but the painted one. */
  async attackersJobs(): Promise<string[]> {
    const { jobs } = (await (await this.attacker.fetch("/v1/jobs?limit=100")).json()) as {
      jobs: { id: string }[];
    };
    return jobs.map(({ id }) => id).filter((id) => id !== this.painted);
  }

  /** Deletes what a case submitted, and so all that its jobs keep by right. */
  async deleteJobs(): Promise<void> {
    for (let ids = await this.attackersJobs(); ids.length > 0; ids = await this.attackersJobs()) {
      const statuses = await Promise.all(
        ids.map(async (id) => (await this.attacker.fetch(`/v1/jobs/${id}`, { method: "DELETE" })).status),
      );
      const refused = statuses.find((status) => status !== 204 && status !== 404);
      if (refused !== undefined) throw new Error(`A job could not be deleted: ${refused}`);
    }
  }

  /** Files of blobs, uploads and scratch. */
  async files(): Promise<number> {
    const entries = await readdir(this.deployment.folder, { recursive: true, withFileTypes: true });
    return entries.filter((entry) => entry.isFile()).length;
  }

  /** Bytes of all keys that stay. */
  async redisBytes(): Promise<number> {
    let bytes = 0;
    for await (const keys of this.redis.scanStream({ count: 1_000 })) {
      for (const key of keys as string[]) {
        const ttl = await this.redis.pttl(key);
        if (ttl < 0 || ttl > SHORT_LIVED_MS)
          bytes += Number((await this.redis.call("MEMORY", "USAGE", key, "SAMPLES", "0")) ?? 0);
      }
    }
    return bytes;
  }

  async stop(): Promise<void> {
    this.redis.disconnect();
    await this.deployment.close();
    await this.pauses.stop();
  }
}

/** A painted job. Its worker stops then, because it would compete with the API for the processor. */
async function paintOne(deployment: TestDeployment, client: TestClient): Promise<string> {
  const worker = await deployment.startWorker();
  const { id } = await client.submitSmall(12);
  await deployment.untilEnded(id);
  const response = await client.fetch(`/v1/jobs/${id}`);
  const { status } = (await response.json()) as { status: string };
  if (status !== "succeeded") throw new Error(`The first job ended as ${status}`);
  await worker.end();
  await until(() => worker.ended);
  return id;
}
