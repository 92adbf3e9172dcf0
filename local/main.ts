// Everything on one machine: Redis, the API and one worker, as processes of their own that end with this one.
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Config, readConfig } from "../src/config.ts";
import { createLogger, exitAfterLogging, type Logger } from "../src/logging.ts";
import { ROOT } from "../src/root.ts";
import { keepRedis } from "./keep-redis.ts";
import { checkPreconditions } from "./preconditions.ts";
import { serviceUrl } from "./service-url.ts";
import { redisServer } from "./setup-report.ts";
import { type Supervised, supervise } from "./supervisor.ts";
import { startWatchdog, type Watchdog } from "./watchdog.ts";

/** Beyond the time that the API and the worker take for themselves when they are asked to stop. */
const EXTRA_GRACE_MS = 5_000;

async function main(): Promise<void> {
  const config = readConfig();
  await checkPreconditions(config);
  const log = createLogger(config, "local");
  const watchdog = startWatchdog();
  const stop = stopRequest();
  const redis = config.redisIsGiven
    ? undefined
    : await keepRedis(await redisServer(), config.dataDirectory, watchdog, log);
  const environment = { ...process.env, ...(redis && { REDIS_URL: redis.url }) };
  const programs = [
    startProgram("API", "dist/src/main.js", environment, watchdog, log),
    startProgram("worker", "dist/workers/main.js", environment, watchdog, log),
  ];
  void announce(config, log);

  const reason = await Promise.race([stop, ...programs.map((program) => program.stillborn)]);
  log.info(`stopping: ${reason}`);
  const graceMs = config.shutdownSeconds * 1000 + EXTRA_GRACE_MS;
  await Promise.all(programs.map((program) => program.stop(graceMs)));
  await redis?.stop();
  await watchdog.release();
  exitAfterLogging(log, reason === STOP_ASKED ? 0 : 1);
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

const STOP_ASKED = "asked to";

function stopRequest(): Promise<string> {
  return new Promise((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
      process.on(signal, () => resolve(STOP_ASKED));
    }
    // Started by a command for its own time: that is over, however the command ended.
    process.once("disconnect", () => resolve(STOP_ASKED));
  });
}

/** Says where the service is once it answers. */
async function announce(config: Config, log: Logger): Promise<void> {
  const url = serviceUrl(config.host, config.port);
  while (config.port !== 0) {
    const answered = await fetch(`${url}/livez`).then(
      (response) => response.ok,
      () => false,
    );
    if (answered) {
      log.info(`ready at ${url}`);
      return;
    }
    await sleep(200);
  }
}

try {
  await main();
} catch (error) {
  // Config and start errors say all in their message.
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
}
