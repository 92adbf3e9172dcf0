// npm run keys -- create|list|rotate|revoke …: the API's keys, in the Redis of REDIS_URL or the embedded one.
import { existsSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { ApiKeyStore } from "../src/auth/api-key-store.ts";
import { KEYS_USAGE, keysCommand, UsageError } from "../src/auth/keys-command.ts";
import { SignedLinks } from "../src/auth/signed-links.ts";
import { readConfig } from "../src/config.ts";
import { runProgram } from "../src/program.ts";
import { refused } from "../src/redis/check-server.ts";
import { connectForRequests, untilReady } from "../src/redis/connection.ts";
import { RedisKeys } from "../src/redis/keys.ts";
import { knownSocket } from "./redis.ts";

const PATIENCE_MS = 5_000;

async function main(): Promise<void> {
  const config = readConfig();
  const url = config.redisIsGiven ? config.redisUrl : await embedded(config.dataDirectory);
  const redis = connectForRequests(url);
  try {
    const patience = sleep(PATIENCE_MS, "away" as const, { ref: false });
    if ((await Promise.race([untilReady(redis), patience, refused(redis)])) === "away") {
      throw new UsageError("Redis cannot be reached. Start the service first, or set REDIS_URL.");
    }
    const output = { result: console.log, note: console.error };
    const keys = new RedisKeys(config.redisTag);
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

/** The socket of the Redis that `npm start` runs. */
async function embedded(dataDirectory: string): Promise<string> {
  const socket = await knownSocket(dataDirectory);
  if (socket !== undefined && existsSync(socket)) return `unix://${socket}`;
  console.error("There is no running service with this DATA_DIR. Run npm start first, or set REDIS_URL.");
  process.exit(2);
}

runProgram(main);
