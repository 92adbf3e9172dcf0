// The API process: reads the environment, connects, listens, and stops on SIGTERM or SIGINT.
import { setTimeout as sleep } from "node:timers/promises";
import { decideAnonymousAccess } from "./auth/anonymous-access.ts";
import { ConfigError, readConfig } from "./config.ts";
import { buildApp } from "./http/app.ts";
import { createDependencies } from "./http/dependencies.ts";
import { jobView } from "./http/views/job-view.ts";
import { createLogger, exitAfterLogging, type Logger } from "./logging.ts";
import { Maintenance } from "./maintenance/maintenance.ts";
import { runProgram, stopSignal } from "./program.ts";
import { checkServer, rejectOnAuthError } from "./redis/check-server.ts";
import { connectForRequests, connectForWork, waitUntilReady } from "./redis/connection.ts";
import { isRedisUnavailable } from "./redis/errors.ts";
import { RedisKeys } from "./redis/keys.ts";
import { logRedisConnection } from "./redis/log-connection.ts";
import { checkFolder } from "./storage/check-folder.ts";
import { checkBlobStore } from "./storage/create-store.ts";
import { WebhookSender } from "./webhooks/webhook-sender.ts";

type Redis = ReturnType<typeof connectForRequests>;

/** The API also starts if Redis does not answer within this time. */
const REDIS_TIMEOUT_MS = 2_000;
const RECHECK_MS = 500;
/** Webhook requests get this long to finish when the API stops; another process sends the others again. */
const WEBHOOKS_TIMEOUT_MS = 2_000;

async function main(): Promise<void> {
  const config = readConfig();
  const logger = createLogger(config, "api");
  const redis = connectForRequests(config.redisUrl);
  await checkBlobStore(config);
  await Promise.all([checkRedis(redis, logger), checkFolder("SPOOL_DIR", config.spoolDirectory)]);
  const keys = new RedisKeys(config.redisKeyPrefix);
  const dependencies = await createDependencies(config, logger, redis, keys);
  const { queue, store, picturePool, conversionPool } = dependencies;
  const app = await buildApp(dependencies);

  const signal = stopSignal();
  await app.listen({ host: config.host, port: config.port }).catch((error: Error) => {
    throw new ConfigError(`HOST, PORT: cannot listen at ${config.host}:${config.port}: ${error.message}`);
  });
  logger[config.anonymousAccess === "always" ? "warn" : "info"](decideAnonymousAccess(config).reason);
  const { records, scheduler, pictures } = queue;
  const maintenance = new Maintenance({
    ...{ redis, keys, records, scheduler, pictures },
    ...{ store, config, logger },
  });
  maintenance.start();
  const webhooksRedis = connectForWork(config.redisUrl);
  const webhooks = new WebhookSender(webhooksRedis, keys, {
    urlPolicy: dependencies.urlPolicy,
    view: (record) => jobView(record, null),
    logger,
  });
  webhooks.start();

  logger.info(`received ${await signal}: finishing open requests`);
  const finished = app.close().then(() => true);
  if (!(await Promise.race([finished, sleep(config.shutdownSeconds * 1000, false)]))) {
    logger.warn(`requests were still open after ${config.shutdownSeconds} s`);
  }
  // Another process, or the next start, does what an interrupted task leaves.
  await Promise.race([maintenance.stop(), sleep(1_000)]);
  await webhooks.stop(WEBHOOKS_TIMEOUT_MS);
  webhooksRedis.disconnect();
  picturePool.close();
  conversionPool.close();
  await queue.close();
  logger.info("stopped");
  exitAfterLogging(logger, 0);
}

/**
 * Stops the API if the Redis server would lose jobs or rejects the credentials. The API starts without a Redis that cannot
 * be reached yet (/readyz reports that), and checks the server as soon as it answers.
 */
async function checkRedis(redis: Redis, logger: Logger): Promise<void> {
  const logUnavailable = logRedisConnection(redis, logger, "jobs are rejected");
  const rejected = rejectOnAuthError(redis);
  const checked = checkWhenReady(redis, logger);
  const timeout = sleep(REDIS_TIMEOUT_MS, "timeout" as const);
  if ((await Promise.race([checked, timeout, rejected])) !== "timeout") return;
  if (redis.status !== "ready") logUnavailable("no answer");
  Promise.race([checked, rejected]).catch((error: Error) => {
    logger.fatal(error.message);
    exitAfterLogging(logger, 1);
  });
}

async function checkWhenReady(redis: Redis, logger: Logger): Promise<void> {
  for (;;) {
    await waitUntilReady(redis);
    try {
      return await checkServer(redis, logger);
    } catch (error) {
      // The connection is lost again. The next server that answers may have other settings.
      if (!isRedisUnavailable(error)) throw error;
      await sleep(RECHECK_MS);
    }
  }
}

runProgram(main);
