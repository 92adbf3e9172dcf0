// npm run keys -- create|list|rotate|revoke …: manages API keys in the Redis of REDIS_URL or the embedded one.
import { existsSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { ApiKeyStore } from "../src/auth/api-key-store.ts";
import { KEYS_USAGE, keysCommand, UsageError } from "../src/auth/keys-command.ts";
import { SignedLinks } from "../src/auth/signed-links.ts";
import { readConfig } from "../src/config.ts";
import { runProgram } from "../src/program.ts";
import { rejectOnAuthError } from "../src/redis/check-server.ts";
import { connectForRequests, waitUntilReady } from "../src/redis/connection.ts";
import { RedisKeys } from "../src/redis/keys.ts";
import { lastAddress, redisUrl } from "./redis-address.ts";

const REDIS_TIMEOUT_MS = 5_000;

async function main(): Promise<void> {
  if (process.argv.slice(2).some((argument) => argument === "--help" || argument === "-h")) {
    console.log(KEYS_USAGE);
    return;
  }
  const config = readConfig();
  const url = config.hasExternalRedis ? config.redisUrl : await embeddedRedisUrl(config.dataDirectory);
  const redis = connectForRequests(url);
  try {
    const timeout = sleep(REDIS_TIMEOUT_MS, "timeout" as const, { ref: false });
    if ((await Promise.race([waitUntilReady(redis), timeout, rejectOnAuthError(redis)])) === "timeout") {
      throw new UsageError("Redis cannot be reached. Start the service first, or set REDIS_URL.");
    }
    const output = { result: console.log, note: console.error };
    const keys = new RedisKeys(config.redisKeyPrefix);
    const stores = { apiKeys: new ApiKeyStore(redis, keys), signedLinks: new SignedLinks(redis, keys) };
    await keysCommand(process.argv.slice(2), stores, output);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    console.error(`${error.message}\n\n${KEYS_USAGE}`);
    process.exitCode = 2;
  } finally {
    redis.disconnect();
  }
}

/** The URL of the Redis that `npm start` runs. */
async function embeddedRedisUrl(dataDirectory: string): Promise<string> {
  const address = await lastAddress(dataDirectory);
  if (address !== undefined && existsSync(address.socket)) return redisUrl(address);
  console.error("No service is running with this DATA_DIR. Run npm start first, or set REDIS_URL.");
  process.exit(2);
}

runProgram(main);
