import { execFile } from "node:child_process";
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { afterAll, afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { Redis } from "ioredis";
import { z } from "zod";
import { type EmbeddedRedis, startRedis } from "../../local/embedded-redis.ts";
import { newRedisAddress, type RedisAddress } from "../../local/redis-address.ts";
import { redisServerPath } from "../../local/redis-server-path.ts";
import { FilesystemBlobStore } from "../../src/storage/filesystem.ts";
import { mountExfat } from "../support/harness/exfat-disk.ts";
import { describeIfPossible } from "../support/requirements.ts";

describe("The embedded Redis", () => {
  let data: string;
  let running: EmbeddedRedis[];

  beforeEach(async () => {
    data = await mkdtemp(join(tmpdir(), "nst-"));
    running = [];
  });

  afterEach(async () => {
    for (const redis of running) await redis.stop();
    await rm(data, { recursive: true });
  });

  async function start(folder = data, timeoutMs = 5_000): Promise<RedisAddress & { redis: EmbeddedRedis }> {
    const address = await newRedisAddress(folder);
    const redis = await startRedis(await redisServerPath(), folder, address, { timeoutMs });
    running.push(redis);
    return { redis, ...address };
  }

  async function withClient<T>(
    { socket, password }: RedisAddress,
    use: (client: Redis) => Promise<T>,
  ): Promise<T> {
    const client = new Redis(socket, { password });
    try {
      return await use(client);
    } finally {
      client.disconnect();
    }
  }

  async function kill(redis: EmbeddedRedis): Promise<void> {
    process.kill(redis.pid, "SIGKILL");
    await redis.exited;
  }

  it("writes every change to disk at once, evicts nothing and listens on no port", async () => {
    const address = await start();
    const { socket } = address;
    const settings = await withClient(address, (client) =>
      client.config("GET", "maxmemory-policy", "appendonly", "appendfsync", "port"),
    );
    expect(pairs(settings)).toEqual({
      "maxmemory-policy": "noeviction",
      appendonly: "yes",
      appendfsync: "always",
      port: "0",
    });
    expect((await stat(socket)).mode & 0o077).toBe(0);
  });

  it("serves nobody without its password, which no process's arguments show", async () => {
    const { socket, password, redis } = await start();
    const client = new Redis(socket, { retryStrategy: () => null });
    client.on("error", () => undefined);
    await expect(client.get("any")).rejects.toThrow("NOAUTH");
    client.disconnect();
    const { stdout } = await promisify(execFile)("ps", ["-ww", "-o", "args=", "-p", String(redis.pid)]);
    expect(stdout).toContain("redis");
    expect(stdout).not.toContain(password);
    expect((await stat(join(data, "redis/address.json"))).mode & 0o077).toBe(0);
  });

  it("closes a folder that other users may read, because the append-only file has every job", async () => {
    await mkdir(join(data, "redis"), { mode: 0o755 });
    await chmod(join(data, "redis"), 0o755);
    await start();
    expect((await stat(join(data, "redis"))).mode & 0o777).toBe(0o700);
  });

  it("keeps what was written before it was killed, and replaces the socket and pid file left behind", async () => {
    const first = await start();
    await withClient(first, (client) => client.set("kept", "yes"));
    await kill(first.redis);
    expect(await readdir(join(data, "redis"))).toEqual(expect.arrayContaining(["redis.pid", "redis.sock"]));

    const second = await start();
    expect(await withClient(second, (client) => client.get("kept"))).toBe("yes");
  });

  it("loads a file that ends in the middle of a command up to the last whole one", async () => {
    const first = await start();
    await withClient(first, async (client) => {
      await client.set("whole", "1");
      await client.set("cut", "x".repeat(100));
    });
    await kill(first.redis);
    const folder = join(data, "redis/appendonlydir");
    const log = (await readdir(folder)).find((name) => name.endsWith(".incr.aof"));
    const path = join(folder, log ?? "");
    await truncate(path, (await stat(path)).size - 50);

    const second = await start();
    expect(await withClient(second, (client) => client.mget("whole", "cut"))).toEqual(["1", null]);
  });

  it("reports Redis' own message if its file is damaged in the middle", async () => {
    const first = await start();
    await withClient(first, (client) => client.set("a", "1"));
    await kill(first.redis);
    const folder = join(data, "redis/appendonlydir");
    const log = (await readdir(folder)).find((name) => name.endsWith(".incr.aof"));
    const path = join(folder, log ?? "");
    await writeFile(path, `nonsense\n${await readFile(path, "utf8")}`);
    await expect(start()).rejects.toThrow(/did not start:[\s\S]*append only file/i);
  });

  it("rejects a data folder that another server uses", async () => {
    const { redis } = await start();
    await expect(start(data, 500)).rejects.toThrow(
      `is in use by another service (redis-server, process ${redis.pid}). Stop that one, or set DATA_DIR`,
    );
  });

  it("ignores a pid file whose process id now belongs to another program", async () => {
    await mkdir(join(data, "redis"));
    await writeFile(join(data, "redis/redis.pid"), String(process.ppid));
    await expect(start()).resolves.toBeDefined();
  });

  it("puts its socket into a private folder if the data folder's path is too long or has spaces", async () => {
    for (const name of ["long".repeat(30), "with space"]) {
      const folder = join(data, name);
      await mkdir(folder);
      const address = await start(folder);
      const { socket } = address;
      expect(socket.startsWith(folder)).toBe(false);
      expect(await withClient(address, (client) => client.ping())).toBe("PONG");
      expect(await readdir(join(folder, "redis"))).toContain("appendonlydir");
      await rm(join(socket, ".."), { recursive: true });
    }
  });

  it("reports a redis-server that does not exist", async () => {
    const address = await newRedisAddress(data);
    await expect(startRedis("/nowhere/redis-server", data, address)).rejects.toThrow(
      "/nowhere/redis-server did not start",
    );
  });
});

const mounted = await mountExfat();
describeIfPossible("On a disk without unix sockets (exFAT)", mounted.missing, () => {
  afterAll(() => mounted.unmount());

  it("the embedded Redis listens in a private folder, and keeps what was written before it was killed", async () => {
    const data = join(mounted.folder, "redis-data");
    for (const expected of [null, "yes"]) {
      const address = await newRedisAddress(data);
      const { socket } = address;
      expect(socket.startsWith(mounted.folder)).toBe(false);
      const redis = await startRedis(await redisServerPath(), data, address);
      const client = new Redis(address.socket, address);
      expect(await client.get("kept")).toBe(expected);
      await client.set("kept", "yes");
      client.disconnect();
      process.kill(redis.pid, "SIGKILL");
      await redis.exited;
      await rm(dirname(socket), { recursive: true });
    }
    expect(await readdir(join(data, "redis"))).not.toContain("redis.sock");
  });

  it("the blob store takes pictures, and says so when it is asked", async () => {
    const store = new FilesystemBlobStore(join(mounted.folder, "blobs"));
    await store.ping();
    await store.put("jobs/a/content", Buffer.from("picture"));
    expect(Buffer.from(await store.read("jobs/a/content")).toString()).toBe("picture");
  });
});

/** A flat list of names and values, as Redis answers. */
function pairs(list: unknown): Record<string, unknown> {
  const flat = z.array(z.string()).parse(list);
  return Object.fromEntries(
    flat.flatMap((name, index) => (index % 2 === 0 ? [[name, flat[index + 1]]] : [])),
  );
}
