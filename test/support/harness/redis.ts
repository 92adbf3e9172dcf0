import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";
import { ROOT } from "../../../src/root.ts";

/** A real redis-server on a unix socket, with its append-only file, in a temporary folder. */
export class TestRedis {
  private child: ChildProcess | null = null;

  private constructor(
    private readonly executable: string,
    readonly folder: string,
  ) {}

  static async start(): Promise<TestRedis> {
    const redis = new TestRedis(await findServer(), await mkdtemp(join(tmpdir(), "nst-redis-")));
    await redis.start();
    return redis;
  }

  /** For REDIS_URL. */
  get url(): string {
    return `unix://${join(this.folder, "socket")}`;
  }

  /** Starts the server, on its files if it has any. Resolves when it answers. */
  async start(...settings: string[]): Promise<void> {
    const child = spawn(
      this.executable,
      [
        ...["--port", "0", "--unixsocket", join(this.folder, "socket"), "--dir", this.folder],
        ...[
          "--appendonly",
          "yes",
          "--appendfsync",
          "always",
          "--save",
          "",
          "--maxmemory-policy",
          "noeviction",
        ],
        ...settings,
      ],
      { stdio: "ignore", env: process.env },
    );
    this.child = child;
    const probe = new Redis(join(this.folder, "socket"), {
      retryStrategy: () => (child.exitCode === null ? 20 : null),
    });
    probe.on("error", () => undefined);
    try {
      await probe.ping();
    } finally {
      probe.disconnect();
    }
  }

  /** SIGKILL as a crash, SIGTERM as a shutdown. Its files stay. */
  async kill(signal: "SIGKILL" | "SIGTERM" = "SIGKILL"): Promise<void> {
    const child = this.child;
    this.child = null;
    if (!child || child.exitCode !== null) return;
    const exit = once(child, "exit");
    child.kill(signal);
    await exit;
  }

  /** Freezes the server until `thaw`: connections stay open, and nothing is answered. */
  freeze(): void {
    this.child?.kill("SIGSTOP");
  }

  thaw(): void {
    this.child?.kill("SIGCONT");
  }

  async stop(): Promise<void> {
    this.thaw();
    await this.kill();
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** The path of the redis-server that set-up found or installed. */
export async function findServer(): Promise<string> {
  const report = await readFile(join(ROOT, "build", "setup.json"), "utf8").catch(() => "{}");
  return (JSON.parse(report) as { redis_server?: string }).redis_server ?? "redis-server";
}

/** Resolves when a connection is ready for commands. */
export async function connected(redis: Redis): Promise<Redis> {
  if (redis.status !== "ready") await once(redis, "ready");
  return redis;
}
