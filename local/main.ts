// The whole service on one machine: Redis, the API and a worker, as child processes that end with this one.
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Config, readConfig } from "../src/config.ts";
import { createLogger, exitAfterLogging, type Logger } from "../src/logging.ts";
import { ROOT } from "../src/root.ts";
import { checkFolderAndPort } from "./check-folder-and-port.ts";
import { redisServerPath } from "./redis-server-path.ts";
import { superviseRedis } from "./redis-supervisor.ts";
import { serviceUrl } from "./service-url.ts";
import { type Supervised, supervise } from "./supervisor.ts";
import { startWatchdog, type Watchdog } from "./watchdog.ts";

/** Beyond the time that the API and the worker allow themselves to stop in. */
const EXTRA_GRACE_MS = 5_000;

async function main(): Promise<void> {
  const config = readConfig();
  await checkFolderAndPort(config);
  const log = createLogger(config, "local");
  const watchdog = startWatchdog();
  const stop = waitForStop();
  const redis = config.hasExternalRedis
    ? undefined
    : await superviseRedis(await redisServerPath(), config.dataDirectory, watchdog, log);
  const environment = { ...process.env, ...(redis && { REDIS_URL: redis.url }) };
  const programs = [
    startProgram("API", "dist/src/main.js", environment, watchdog, log),
    startProgram("worker", "dist/workers/main.js", environment, watchdog, log),
  ];
  void logUrlWhenReady(config, log);

  const reason = await Promise.race([stop, ...programs.map((program) => program.failedAtStartup)]);
  log.info(`stopping: ${reason}`);
  const graceMs = config.shutdownSeconds * 1000 + EXTRA_GRACE_MS;
  await Promise.all(programs.map((program) => program.stop(graceMs)));
  await redis?.stop();
  await watchdog.release();
  exitAfterLogging(log, reason === STOP_REQUESTED ? 0 : 1);
}

function startProgram(
  name: string,
  script: string,
  environment: NodeJS.ProcessEnv,
  watchdog: Watchdog,
  log: Logger,
): Supervised {
  return supervise(name, join(ROOT, script), environment, watchdog, (line) => log.warn(line));
}

const STOP_REQUESTED = "a stop was requested";

function waitForStop(): Promise<string> {
  return new Promise((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
      process.on(signal, () => resolve(STOP_REQUESTED));
    }
    // The command that started this service for itself has ended.
    process.once("disconnect", () => resolve(STOP_REQUESTED));
  });
}

/** Logs the service's URL when it answers. */
async function logUrlWhenReady(config: Config, log: Logger): Promise<void> {
  const url = serviceUrl(config.host, config.port);
  while (config.port !== 0) {
    const isLive = await fetch(`${url}/livez`).then(
      (response) => response.ok,
      () => false,
    );
    if (isLive) {
      log.info(`ready at ${url}`);
      return;
    }
    await sleep(200);
  }
}

try {
  await main();
} catch (error) {
  // The message of a configuration or startup error says it all.
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
}
