import { once } from "node:events";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Writable } from "node:stream";
import { pino } from "pino";
import type { ApiKeyStore } from "../../src/auth/api-key-store.ts";
import type { SignedLinks } from "../../src/auth/signed-links.ts";
import { type Config, readConfig } from "../../src/config.ts";
import { buildApp } from "../../src/http/app.ts";
import { type App, createDependencies } from "../../src/http/dependencies.ts";
import type { JobQueue } from "../../src/jobs/job-queue.ts";
import { connectForRequests } from "../../src/redis/connection.ts";
import { RedisKeys } from "../../src/redis/keys.ts";
import type { BlobStore } from "../../src/storage/blob-store.ts";
import { TestRedis } from "./redis.ts";

/** The real API on a free port, with a Redis and folders of its own, and its log in memory. */
export class TestService {
  private constructor(
    readonly redisServer: TestRedis,
    readonly redis: ReturnType<typeof connectForRequests>,
    readonly keys: RedisKeys,
    readonly queue: JobQueue,
    readonly store: BlobStore,
    readonly apiKeys: ApiKeyStore,
    readonly signedLinks: SignedLinks,
    readonly app: App,
    readonly config: Config,
    private readonly folder: string,
    private readonly log: string[],
  ) {}

  static async start(variables: Record<string, string> = {}): Promise<TestService> {
    const folder = await mkdtemp(join(tmpdir(), "nst-service-"));
    const redisServer = await TestRedis.start();
    const config = readConfig({
      NODE_ENV: "test",
      DATA_DIR: folder,
      REDIS_URL: redisServer.url,
      PORT: "0",
      ...variables,
    });
    const log: string[] = [];
    const logger = pino(
      { level: "debug" },
      new Writable({
        write(chunk: Buffer, _encoding, done) {
          log.push(chunk.toString());
          done();
        },
      }),
    );
    const redis = connectForRequests(config.redisUrl);
    if (redis.status !== "ready") await once(redis, "ready");
    const keys = new RedisKeys("test");
    const dependencies = createDependencies(config, logger, redis, keys);
    const { queue, store, apiKeys, signedLinks } = dependencies;
    const app = await buildApp(dependencies);
    await app.listen({ host: "127.0.0.1", port: 0 });
    return new TestService(
      ...([redisServer, redis, keys, queue, store, apiKeys, signedLinks, app, config, folder, log] as const),
    );
  }

  get port(): number {
    return (this.app.server.address() as AddressInfo).port;
  }
  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  fetch(path: string, init?: RequestInit): Promise<Response> {
    return fetch(`${this.url}${path}`, init);
  }

  /** The log so far, one object a line. */
  get logged(): Record<string, unknown>[] {
    return this.log.map((line) => JSON.parse(line) as Record<string, unknown>);
  }

  /** Names of what lies in the spool. */
  async spooled(): Promise<string[]> {
    return await readdir(this.config.spoolDirectory).catch(() => []);
  }

  async storedKeys(): Promise<string[]> {
    const keys: string[] = [];
    for await (const { key } of this.store.list("")) keys.push(key);
    return keys;
  }

  async stop(): Promise<void> {
    await this.app.close();
    await this.queue.close();
    await this.redisServer.stop();
    await rm(this.folder, { recursive: true, force: true });
  }
}
