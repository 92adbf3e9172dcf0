import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { v7 } from "uuid";
import { ApiKeyStore } from "../../../src/auth/api-key-store.ts";
import type { Scope } from "../../../src/contract/auth.ts";
import type { RequestOptions } from "../../../src/contract/options.ts";
import { resolveOptions } from "../../../src/contract/presets.ts";
import { JobQueue } from "../../../src/jobs/job-queue.ts";
import type { JobRecord } from "../../../src/jobs/records/job-record.ts";
import { sharp } from "../../../src/pictures/sharp.ts";
import { connectForRequests } from "../../../src/redis/connection.ts";
import { RedisKeys } from "../../../src/redis/keys.ts";
import { FilesystemBlobStore } from "../../../src/storage/filesystem.ts";
import { jpeg } from "../pictures.ts";
import { until } from "../until.ts";
import { NARROW_WEIGHTS, ProgramProcess } from "./program.ts";
import { connected, TestRedis } from "./redis.ts";
import { addressOf, TestClient } from "./test-client.ts";

/** Owner of the tests' key and jobs. */
const OWNER = "tests";

/**
 * A Redis, a data folder, and the project's processes on them. The API requires keys unless ANONYMOUS_ACCESS is set; the test
 * can also submit without an API.
 */
export class TestDeployment {
  readonly programs: ProgramProcess[] = [];

  private constructor(
    readonly redis: TestRedis,
    readonly folder: string,
    readonly queue: JobQueue,
    readonly store: FilesystemBlobStore,
    private readonly apiKeys: ApiKeyStore,
    /** A key that may submit and read. */
    readonly apiKey: string,
  ) {}

  static async create(): Promise<TestDeployment> {
    const redis = await TestRedis.start();
    const folder = await mkdtemp(join(tmpdir(), "nst-data-"));
    const connection = await connected(connectForRequests(redis.url));
    const keys = new RedisKeys("nst");
    const store = new FilesystemBlobStore(join(folder, "blobs"));
    const apiKeys = new ApiKeyStore(connection, keys);
    const apiKey = await createKey(apiKeys, "submit", "read");
    return new TestDeployment(redis, folder, new JobQueue(connection, keys), store, apiKeys, apiKey);
  }

  /** The text of a new key of the tests' owner. */
  createKey(...scopes: Scope[]): Promise<string> {
    return createKey(this.apiKeys, ...scopes);
  }

  get environment(): NodeJS.ProcessEnv {
    return { REDIS_URL: this.redis.url, DATA_DIR: this.folder, CHECKPOINT_SECONDS: "1" };
  }

  /** Starts a worker with narrow random weights; resolves when it takes jobs. */
  async startWorker(environment: NodeJS.ProcessEnv = {}): Promise<ProgramProcess> {
    const worker = this.run("workers/main.js", { NST_VGG19_WEIGHTS: NARROW_WEIGHTS, ...environment });
    await worker.line(({ msg }) => msg === "ready for jobs");
    return worker;
  }

  /** Starts an API; resolves when it listens. */
  async startApi(
    environment: NodeJS.ProcessEnv = {},
  ): Promise<{ api: ProgramProcess; address: string; client: TestClient }> {
    const api = this.run("src/main.js", { PORT: "0", ANONYMOUS_ACCESS: "never", ...environment });
    const address = await addressOf(api);
    return { api, address, client: new TestClient(address, this.apiKey) };
  }

  run(script: string, environment: NodeJS.ProcessEnv = {}): ProgramProcess {
    const program = new ProgramProcess(script, { ...this.environment, ...environment });
    this.programs.push(program);
    return program;
  }

  /** Stores two pictures and submits a job with them, by default of the smallest size: matching 64 px takes four times as long. */
  async submit(options: RequestOptions = {}): Promise<JobRecord> {
    const id = v7();
    const content = `jobs/${id}/content`;
    const style = `jobs/${id}/style-0`;
    await this.store.put(content, await jpeg({ width: 96, height: 63, seed: 1 }));
    await this.store.put(style, await jpeg({ width: 80, height: 80, seed: 2 }));
    const resolved = resolveOptions({ preset: "draft", size: 32, steps: 12, ...options }, 7);
    return this.queue.submit({ id, owner: OWNER, options: resolved, content, styles: [style] });
  }

  /** The job's record as soon as it fits. */
  async until(id: string, fits: (record: JobRecord) => boolean, ms = 110_000): Promise<JobRecord> {
    let record: JobRecord | null = null;
    const find = async () => {
      record = await this.queue.find(id).catch(() => null);
      return record !== null && fits(record) && record;
    };
    return await until(find, ms).catch((cause: Error) => {
      const outputs = this.programs.map(({ output }) => output).join("\n");
      throw new Error(`The job stayed ${JSON.stringify(record)}\n${outputs}`, { cause });
    });
  }

  untilEnded(id: string, ms?: number): Promise<JobRecord> {
    return this.until(id, ({ status }) => !["queued", "running"].includes(status), ms);
  }

  /** Keys of all that the store holds of a job. */
  async blobs(id: string): Promise<string[]> {
    const keys: string[] = [];
    for await (const { key } of this.store.list(`jobs/${id}/`)) keys.push(key);
    return keys;
  }

  /** The pixels of a succeeded job's result. (The files differ: each names its job.) */
  async pixels(record: JobRecord): Promise<string> {
    const bytes = await this.store.read(record.result?.key ?? "no result");
    return (await sharp(bytes).raw().toBuffer()).toString("base64");
  }

  async stopPrograms(): Promise<void> {
    await Promise.all(this.programs.splice(0).map((program) => program.end("SIGKILL")));
  }

  async close(): Promise<void> {
    await this.stopPrograms();
    await this.queue.close();
    await this.redis.stop();
    await rm(this.folder, { recursive: true, force: true });
  }
}

async function createKey(apiKeys: ApiKeyStore, ...scopes: Scope[]): Promise<string> {
  return (await apiKeys.create({ owner: OWNER, name: "", scopes, lifetimeMs: null })).text;
}
