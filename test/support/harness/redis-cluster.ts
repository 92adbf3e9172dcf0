import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";
import { freePorts } from "../../../local/free-ports.ts";
import { until } from "../until.ts";
import { findServer } from "./redis.ts";

const SLOTS = 16_384;
const START_MS = 60_000;

/** A real Redis Cluster of three masters. */
export class TestRedisCluster {
  private constructor(
    private readonly children: ChildProcess[],
    private readonly folder: string,
    readonly ports: number[],
    /** A connection to each node by itself. */
    readonly nodes: Redis[],
  ) {}

  static async start(count = 3): Promise<TestRedisCluster> {
    const executable = await findServer();
    const folder = await mkdtemp(join(tmpdir(), "nst-cluster-"));
    const free = await freePorts(2 * count);
    const ports = free.slice(0, count);
    const children = ports.map((port, index) =>
      spawn(
        executable,
        [
          ...["--port", String(port), "--cluster-port", String(free[count + index]), "--bind", "127.0.0.1"],
          ...["--cluster-enabled", "yes", "--cluster-config-file", `nodes-${index}.conf`, "--dir", folder],
          ...["--cluster-node-timeout", "5000", "--appendonly", "yes", "--appenddirname", `aof-${index}`],
          ...["--save", "", "--maxmemory-policy", "noeviction"],
        ],
        { stdio: "ignore" },
      ),
    );
    const nodes = ports.map((port) => {
      const node = new Redis(port, "127.0.0.1", { retryStrategy: () => 50, maxRetriesPerRequest: null });
      node.on("error", () => undefined);
      return node;
    });
    const cluster = new TestRedisCluster(children, folder, ports, nodes);
    await cluster.join(free.slice(count));
    return cluster;
  }

  /** For REDIS_URL. */
  get url(): string {
    return `redis+cluster://${this.ports.map((port) => `127.0.0.1:${port}`).join(",")}`;
  }

  async stop(): Promise<void> {
    for (const node of this.nodes) node.disconnect();
    await Promise.all(
      this.children.map(async (child) => {
        if (child.exitCode !== null) return;
        const exit = once(child, "exit");
        child.kill("SIGKILL");
        await exit;
      }),
    );
    await rm(this.folder, { recursive: true, force: true });
  }

  private async join(busPorts: number[]): Promise<void> {
    const share = Math.ceil(SLOTS / this.nodes.length);
    for (const [index, node] of this.nodes.entries()) {
      const last = Math.min(SLOTS, (index + 1) * share) - 1;
      await node.call("CLUSTER", "ADDSLOTSRANGE", String(index * share), String(last));
      await node.call("CLUSTER", "SET-CONFIG-EPOCH", String(index + 1));
    }
    for (const [index, port] of this.ports.entries()) {
      const address = ["127.0.0.1", String(port), String(busPorts[index])];
      if (index > 0) await this.nodes[0]?.call("CLUSTER", "MEET", ...address);
    }
    for (const node of this.nodes) {
      await until(async () => {
        const info = String(await node.call("CLUSTER", "INFO"));
        return info.includes(`cluster_known_nodes:${this.nodes.length}`) && info.includes("cluster_state:ok");
      }, START_MS);
    }
  }
}
