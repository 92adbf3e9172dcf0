// A worker as a process: its engine beside it, one job at a time, until it is asked to stop.
import { randomUUID } from "node:crypto";
import { mkdir, readFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Config, readConfig } from "../src/config.ts";
import { incrementCounter } from "../src/jobs/metrics/counters.ts";
import { RecordStore } from "../src/jobs/records/record-store.ts";
import { JobScheduler } from "../src/jobs/scheduling/job-scheduler.ts";
import { createLogger, exitAfterLogging, type Logger } from "../src/logging.ts";
import { Maintenance } from "../src/maintenance/maintenance.ts";
import { runProgram, stopSignal } from "../src/program.ts";
import { checkServer } from "../src/redis/check-server.ts";
import { connectForRequests, connectForWork, untilReady } from "../src/redis/connection.ts";
import { RedisKeys } from "../src/redis/keys.ts";
import { logQueueErrors, logRedisConnection } from "../src/redis/log-connection.ts";
import { ROOT } from "../src/root.ts";
import type { BlobStore } from "../src/storage/blob-store.ts";
import { checkBlobStore, createBlobStore } from "../src/storage/create-store.ts";
import { keepTouching } from "./alive-file.ts";
import { EngineProcess, type EngineState } from "./engine-process/engine-process.ts";
import { residentBytes } from "./engine-process/resident-bytes.ts";
import { createSandbox, type Sandbox } from "./engine-process/sandbox.ts";
import { processJob } from "./job/process-job.ts";
import { JobWorker } from "./job-worker.ts";
import { Pace } from "./pace.ts";
import { Presence } from "./presence.ts";

/** Long enough for a last checkpoint of a usual job, short enough for whoever waits to kill this process. */
const CLOSE_MS = 10_000;

async function main(): Promise<void> {
  const config = readConfig();
  const id = `${hostname()}-${process.pid}-${randomUUID().slice(0, 8)}`;
  const logger = createLogger(config, "worker");
  const signal = stopSignal();
  if (config.aliveFile !== null) keepTouching(config.aliveFile);
  const redis = connectForWork(config.redisUrl);
  logRedisConnection(redis, logger, "no job is taken");
  // Commands wait for Redis; a signal must not.
  const checked = Promise.all([checkServer(redis, logger), checkBlobStore(config)]);
  if (typeof (await Promise.race([checked, signal])) === "string") process.exit(0);

  const keys = new RedisKeys(config.redisTag);
  const engine = new EngineProcess({
    sandbox: await createEngineSandbox(config, logger),
    script: join(import.meta.dirname, "engine", "main.js"),
    arguments: [ROOT, config.vgg19Weights ?? "", config.engine.card ?? ""],
    environment: process.env,
    threads: config.engine.threads,
    onState: (state) => follow(state),
    onCrash: () => void incrementCounter(redis, keys, "engine_crashed"),
    onNote: (note) => logger.warn(note),
  });
  const { limits } = config;
  const store = createBlobStore(config);
  const { scratchDirectory } = config;
  const checkpointMs = config.checkpointSeconds * 1000;
  const tools = { store, engine, limits, scratchDirectory, checkpointMs, logger };
  const pace = new Pace();
  const worker = new JobWorker(redis, keys, (run) => processJob({ ...tools, pace }, run), {
    name: id,
    lockMs: config.lockSeconds * 1000,
    keepSeconds: config.resultSeconds,
    largestSize: () => largestSizeOf(engine.state, config),
    onError: logQueueErrors(logger, "queue"),
  });
  const described = {
    ...{ id, version: await version(), host: hostname(), pid: process.pid },
    started_at: new Date().toISOString(),
  };
  const presence = new Presence(redis, keys, () => ({
    ...described,
    ...condition(engine.state),
    largest_size: largestSizeOf(engine.state, config),
    pace: pace.secondsPerWork,
    free_in: pace.freeIn,
    step_ms: pace.stepMs,
    engine_resident_bytes: residentBytes(engine.pid),
    job: worker.job,
  }));

  /** Jobs are taken only while the engine can paint. */
  const follow = (state: EngineState) => {
    presence.announce();
    if (state.type === "ready") {
      logger.info({ engine: state.engine, largest_size: largestSizeOf(state, config) }, "ready for jobs");
      worker.start();
    } else if (state.type === "unready") {
      logger.error({ code: state.code }, state.message);
      void worker.pause();
    }
  };
  presence.start();
  engine.start();
  const maintenance = startMaintenance(config, keys, store, logger);

  logger.info(`${await signal}: handing back the current job`);
  void maintenance.then((one) => one.stop());
  await worker.close(CLOSE_MS);
  await engine.stop();
  await Promise.race([presence.stop(), sleep(1_000)]);
  redis.disconnect();
  logger.info("stopped");
  exitAfterLogging(logger, 0);
}

/** As much as the engine's memory holds, but not more than is set; 0 without an engine. */
function largestSizeOf(state: EngineState, { engine }: Config): number {
  return state.type === "ready" ? Math.min(state.largest_size, engine.largestSize) : 0;
}

async function createEngineSandbox(config: Config, logger: Logger): Promise<Sandbox | null> {
  if (!config.engine.sandbox) {
    logger.warn("engine sandbox disabled (ENGINE_SANDBOX=off)");
    return null;
  }
  await mkdir(config.scratchDirectory, { recursive: true });
  const sandbox = await createSandbox(config.scratchDirectory, process.env);
  if (sandbox) logger.info(`engine sandbox enabled: ${sandbox.restrictions.join(", ")}`);
  else logger.warn("engine sandbox unavailable on this system: the engine has the worker's own access");
  return sandbox;
}

function condition(state: EngineState) {
  if (state.type === "ready") return { ready: true, reason: null, engine: state.engine };
  const { code, message } =
    state.type === "unready" ? state : { code: "engine_unavailable", message: "The engine is starting" };
  return { ready: false, reason: { code, message }, engine: null };
}

/** Runs maintenance over a connection of its own, whose commands fail while Redis is away: the next run will do. */
async function startMaintenance(config: Config, keys: RedisKeys, store: BlobStore, logger: Logger) {
  const redis = connectForRequests(config.redisUrl);
  await untilReady(redis);
  const records = new RecordStore(redis, keys, config.resultSeconds);
  const scheduler = new JobScheduler(redis, keys);
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
  return maintenance;
}

async function version(): Promise<string> {
  const text = await readFile(join(ROOT, "package.json"), "utf8");
  return (JSON.parse(text) as { version: string }).version;
}

runProgram(main);
