// The API as a process: reads the environment, connects, listens, and stops when it is asked to.
import { setTimeout as sleep } from "node:timers/promises";
import { openMode } from "./auth/open-mode.ts";
import { ConfigError, readConfig } from "./config.ts";
import { buildApp } from "./http/app.ts";
import { createDependencies } from "./http/dependencies.ts";
import { jobView } from "./http/views/job-view.ts";
import { createLogger, exitAfterLogging, type Logger } from "./logging.ts";
import { Maintenance } from "./maintenance/maintenance.ts";
import { runProgram, stopSignal } from "./program.ts";
import { checkServer, refused } from "./redis/check-server.ts";
import { connectForRequests, connectForWork, untilReady } from "./redis/connection.ts";
import { isRedisUnavailable } from "./redis/errors.ts";
import { RedisKeys } from "./redis/keys.ts";
import { logRedisConnection } from "./redis/log-connection.ts";
import { checkFolder } from "./storage/check-folder.ts";
import { checkBlobStore } from "./storage/create-store.ts";
import { WebhookSender } from "./webhooks/webhook-sender.ts";

type Redis = ReturnType<typeof connectForRequests>;

const REDIS_PATIENCE_MS = 2_000;
const RECHECK_MS = 500;
/** Time that messages on their way have when the service stops; later ones are sent again by another process. */
const WEBHOOKS_MS = 2_000;

async function main(): Promise<void> {
  const config = readConfig();
  const logger = createLogger(config, "api");
  const redis = connectForRequests(config.redisUrl);
  await checkBlobStore(config);
  await Promise.all([checkRedis(redis, logger), checkFolder("SPOOL_DIR", config.spoolDirectory)]);
  const keys = new RedisKeys(config.redisTag);
  const dependencies = createDependencies(config, logger, redis, keys);
  const { queue, store } = dependencies;
  const app = await buildApp(dependencies);

  const signal = stopSignal();
  await app.listen({ host: config.host, port: config.port }).catch((error: Error) => {
    throw new ConfigError(`HOST, PORT: cannot listen at ${config.host}:${config.port}: ${error.message}`);
  });
  logger[config.openMode === "always" ? "warn" : "info"](openMode(config).reason);
  const { records, scheduler } = queue;
  const { spoolDirectory, scratchDirectory } = config;
  const maintenance = new Maintenance({
    records,
    scheduler,
    store,
    spoolDirectory,
    scratchDirectory,
    logger,
  });
  maintenance.start();
  const webhooksRedis = connectForWork(config.redisUrl);
  const webhooks = new WebhookSender(webhooksRedis, keys, {
    urlPolicy: dependencies.urlPolicy,
    view: (record) => jobView(record, null),
    logger,
  });
  webhooks.start();

  logger.info(`${await signal}: finishing open requests`);
  const finished = app.close().then(() => true);
  if (!(await Promise.race([finished, sleep(config.shutdownSeconds * 1000, false)]))) {
    logger.warn(`requests were still open after ${config.shutdownSeconds} s`);
  }
  // Another process, or the next start, does what an interrupted task leaves.
  await Promise.race([maintenance.stop(), sleep(1_000)]);
  await webhooks.stop(WEBHOOKS_MS);
  webhooksRedis.disconnect();
  await queue.close();
  logger.info("stopped");
  exitAfterLogging(logger, 0);
}

/**
 * Refuses a server that loses jobs or lets nobody in. One that cannot be reached yet is waited for elsewhere (see /readyz),
 * and refused as soon as it is there.
 */
async function checkRedis(redis: Redis, logger: Logger): Promise<void> {
  const tellAway = logRedisConnection(redis, logger, "jobs are refused");
  const denied = refused(redis);
  const checked = checkWhenReady(redis, logger);
  const patience = sleep(REDIS_PATIENCE_MS, "away" as const);
  if ((await Promise.race([checked, patience, denied])) !== "away") return;
  if (redis.status !== "ready") tellAway("no answer");
  Promise.race([checked, denied]).catch((error: Error) => {
    logger.fatal(error.message);
    exitAfterLogging(logger, 1);
  });
}

async function checkWhenReady(redis: Redis, logger: Logger): Promise<void> {
  for (;;) {
    await untilReady(redis);
    try {
      return await checkServer(redis, logger);
    } catch (error) {
      // It is away again; by the time that it is back it may have other settings.
      if (!isRedisUnavailable(error)) throw error;
      await sleep(RECHECK_MS);
    }
  }
}

runProgram(main);
