import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Redis } from "ioredis";
import { startRedis } from "../../local/embedded-redis.ts";
import { newRedisAddress, redisUrl } from "../../local/redis-address.ts";
import { redisServerPath } from "../../local/redis-server-path.ts";
import { connectForRequests, waitUntilReady } from "../../src/redis/connection.ts";

interface TemporaryRedis {
  url: string;
  /** A connection that is ready. */
  connection: Redis;
  stop(): Promise<void>;
}

/** Starts a redis-server with its data in a temporary folder. It flushes once a second, so that the disk does not limit. */
export async function startTemporaryRedis(): Promise<TemporaryRedis> {
  const folder = await mkdtemp(join(tmpdir(), "nst-bench-redis-"));
  const address = await newRedisAddress(folder);
  const server = await startRedis(await redisServerPath(), folder, address);
  const url = redisUrl(address);
  const connection = connectForRequests(url);
  await waitUntilReady(connection);
  await connection.config("SET", "appendfsync", "everysec");
  return {
    url,
    connection,
    async stop() {
      connection.disconnect();
      await server.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
