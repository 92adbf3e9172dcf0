import { once } from "node:events";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Writable } from "node:stream";
import { pino } from "pino";
import type { ApiKeyStore } from "../../../src/auth/api-key-store.ts";
import type { SignedLinks } from "../../../src/auth/signed-links.ts";
import { type Config, readConfig } from "../../../src/config.ts";
import type { Scope } from "../../../src/contract/auth.ts";
import { type JobStatus, type JobView, jobViewSchema } from "../../../src/contract/job.ts";
import { buildApp } from "../../../src/http/app.ts";
import { type App, createDependencies } from "../../../src/http/dependencies.ts";
import type { JobQueue } from "../../../src/jobs/job-queue.ts";
import { loggerOptions } from "../../../src/logging.ts";
import type { PicturePool } from "../../../src/pictures/process/picture-pool.ts";
import { connectForRequests } from "../../../src/redis/connection.ts";
import { RedisKeys } from "../../../src/redis/keys.ts";
import type { BlobStore } from "../../../src/storage/blob-store.ts";
import type { AttemptContext, JobOutcome } from "../../../workers/job/attempt-context.ts";
import { succeed } from "../fake-job-processors.ts";
import { preloadRoutes } from "../preload-routes.ts";
import { form } from "../submission-form.ts";
import { until } from "../until.ts";
import { JobWorkers } from "./job-workers.ts";
import { TestRedis } from "./redis.ts";

/** Whose keys the tests have. */
const OWNER = "tests";

/**
 * The real API on a free port, with a Redis and folders of its own, and its log in memory. It asks for API keys, and
 * `fetch` sends one that may submit and read; with `ANONYMOUS_ACCESS` in `variables` it sends none.
 */
export class TestService {
  /** What `fetch` sends; undefined with anonymous access. */
  apiKey: string | undefined;
  private readonly workers: JobWorkers;

  private constructor(
    readonly redisServer: TestRedis,
    readonly redis: ReturnType<typeof connectForRequests>,
    readonly keys: RedisKeys,
    readonly queue: JobQueue,
    readonly store: BlobStore,
    readonly apiKeys: ApiKeyStore,
    readonly signedLinks: SignedLinks,
    readonly picturePool: PicturePool,
    readonly conversionPool: PicturePool,
    readonly app: App,
    readonly config: Config,
    private readonly folder: string,
    private readonly log: string[],
  ) {
    this.workers = new JobWorkers(redisServer.url, keys);
  }

  static async start(variables: Record<string, string> = {}): Promise<TestService> {
    const folder = await mkdtemp(join(tmpdir(), "nst-service-"));
    const redisServer = await TestRedis.start();
    const config = readConfig({
      NODE_ENV: "test",
      DATA_DIR: folder,
      REDIS_URL: redisServer.url,
      PORT: "0",
      ANONYMOUS_ACCESS: "never",
      ...variables,
    });
    const log: string[] = [];
    const logger = pino(
      { ...loggerOptions(config, "api"), level: "trace" },
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
    const dependencies = await createDependencies(config, logger, redis, keys);
    const { queue, store, apiKeys, signedLinks, picturePool, conversionPool } = dependencies;
    await preloadRoutes();
    const app = await buildApp(dependencies);
    await app.listen({ host: "127.0.0.1", port: 0 });
    const service = new TestService(
      ...([
        redisServer,
        redis,
        keys,
        queue,
        store,
        apiKeys,
        signedLinks,
        picturePool,
        conversionPool,
      ] as const),
      ...([app, config, folder, log] as const),
    );
    await service.createOwnKey();
    return service;
  }

  private async createOwnKey(): Promise<void> {
    if (this.config.anonymousAccess === "never") this.apiKey = await this.createKey("submit", "read");
  }

  /** The text of a new key of the tests' owner. */
  async createKey(...scopes: Scope[]): Promise<string> {
    return (await this.apiKeys.create({ owner: OWNER, name: "", scopes, lifetimeMs: null })).text;
  }

  /** The header that names the tests' key. */
  get authorization(): Record<string, string> {
    return this.apiKey === undefined ? {} : { authorization: `Bearer ${this.apiKey}` };
  }

  get port(): number {
    return (this.app.server.address() as AddressInfo).port;
  }
  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** A request with the tests' key, unless `init` has an Authorization header of its own. */
  fetch(path: string, init: RequestInit = {}): Promise<Response> {
    const headers = new Headers(init.headers);
    if (this.apiKey !== undefined && !headers.has("authorization"))
      headers.set("authorization", `Bearer ${this.apiKey}`);
    return fetch(`${this.url}${path}`, { ...init, headers });
  }

  /** Submits a small job. */
  async submit(fields: Record<string, string> = { options: '{"size":64}' }): Promise<JobView> {
    const response = await this.fetch("/v1/jobs", { method: "POST", body: await form(fields) });
    if (response.status !== 202) throw new Error(`Submitting a job failed: ${await response.text()}`);
    return jobViewSchema.parse(await response.json());
  }

  /** The job as a client sees it now. */
  async job(id: string): Promise<JobView> {
    const response = await this.fetch(`/v1/jobs/${id}`);
    if (!response.ok) throw new Error(`Reading the job failed: ${await response.text()}`);
    return jobViewSchema.parse(await response.json());
  }

  /** The job as a client sees it when it has this status. */
  async untilStatus(id: string, status: JobStatus): Promise<JobView> {
    return await until(async () => {
      const view = await this.job(id);
      return view.status === status && view;
    });
  }

  /** Starts a worker that takes jobs from now on; without `process`, each job succeeds. */
  startWorker(process: (run: AttemptContext) => Promise<JobOutcome> = (run) => succeed(this, run)): void {
    this.workers.start(process);
  }

  async stopWorkers(): Promise<void> {
    await this.workers.stop();
  }

  /** Stops the workers and empties Redis but for a key of the tests. */
  async clear(): Promise<void> {
    await this.stopWorkers();
    await this.redis.flushall();
    await this.createOwnKey();
  }

  /** The log so far, one object a line. */
  get logged(): Record<string, unknown>[] {
    return this.log.map((line) => JSON.parse(line) as Record<string, unknown>);
  }

  /** Names of what lies in the spool. */
  async spooled(): Promise<string[]> {
    return await readdir(this.config.spoolDirectory).catch(() => []);
  }

  /** The bytes of a job's pictures as the client sent them: the content, then the styles. */
  async inputs(id: string): Promise<Buffer[]> {
    const record = await this.queue.find(id);
    const keys = record ? [record.content, ...record.styles] : [];
    return await Promise.all(keys.map(async (key) => Buffer.from(await this.store.read(key))));
  }

  async storedKeys(): Promise<string[]> {
    const keys: string[] = [];
    for await (const { key } of this.store.list("")) keys.push(key);
    return keys;
  }

  async stop(): Promise<void> {
    await this.stopWorkers();
    await this.app.close();
    this.picturePool.close();
    this.conversionPool.close();
    await this.queue.close();
    await this.redisServer.stop();
    await rm(this.folder, { recursive: true, force: true });
  }
}
