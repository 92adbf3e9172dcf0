// The worker process: takes jobs from the queue, one at a time, and paints them with its engine process until it is stopped.
import { randomUUID } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Config, readConfig } from "../src/config.ts";
import { incrementCounter } from "../src/jobs/metrics/counters.ts";
import { PictureRegistry } from "../src/jobs/pictures/picture-registry.ts";
import { RecordStore } from "../src/jobs/records/record-store.ts";
import { JobScheduler } from "../src/jobs/scheduling/job-scheduler.ts";
import { createLogger, exitAfterLogging, type Logger } from "../src/logging.ts";
import { Maintenance } from "../src/maintenance/maintenance.ts";
import { runProgram, stopSignal } from "../src/program.ts";
import { checkServer } from "../src/redis/check-server.ts";
import { connectForRequests, connectForWork, waitUntilReady } from "../src/redis/connection.ts";
import { RedisKeys } from "../src/redis/keys.ts";
import { logQueueErrors, logRedisConnection } from "../src/redis/log-connection.ts";
import { ROOT } from "../src/root.ts";
import type { BlobStore } from "../src/storage/blob-store.ts";
import { checkBlobStore, createBlobStore } from "../src/storage/create-store.ts";
import { largestSize, workerDescriber } from "./describe-worker.ts";
import { EngineProcess, type EngineState } from "./engine-process/engine-process.ts";
import { createSandbox, type Sandbox } from "./engine-process/sandbox.ts";
import { Heartbeat } from "./heartbeat.ts";
import { processJob } from "./job/process-job.ts";
import { JobWorker } from "./job-worker.ts";
import { startLivenessFile } from "./liveness-file.ts";
import { ThroughputEstimator } from "./throughput-estimator.ts";

/** Long enough for a last checkpoint of a usual job, shorter than the grace period of Docker or Kubernetes. */
const CLOSE_TIMEOUT_MS = 10_000;

async function main(): Promise<void> {
  const config = readConfig();
  const id = `${hostname()}-${process.pid}-${randomUUID().slice(0, 8)}`;
  const logger = createLogger(config, "worker");
  const signal = stopSignal();
  if (config.livenessFile !== null) startLivenessFile(config.livenessFile);
  const redis = connectForWork(config.redisUrl);
  logRedisConnection(redis, logger, "no jobs are taken");
  // Commands wait until Redis is reachable; a stop signal does not.
  const checks = Promise.all([checkServer(redis, logger), checkBlobStore(config)]);
  if (typeof (await Promise.race([checks, signal])) === "string") process.exit(0);

  const keys = new RedisKeys(config.redisKeyPrefix);
  const engine = new EngineProcess({
    sandbox: await createEngineSandbox(config, logger),
    script: join(import.meta.dirname, "engine", "main.js"),
    arguments: [ROOT, config.vgg19Weights ?? "", config.engine.gpuDevice ?? ""],
    environment: process.env,
    threads: config.engine.threads,
    onState: (state) => followEngine(state),
    onCrash: () => void incrementCounter(redis, keys, "engine_crashed"),
    onWarning: (message) => logger.warn(message),
  });
  const store = await createBlobStore(config);
  const throughput = new ThroughputEstimator();
  const { limits, scratchDirectory } = config;
  const checkpointMs = config.checkpointSeconds * 1000;
  const deps = { store, engine, throughput, limits, scratchDirectory, checkpointMs, logger };
  const maximumSize = config.engine.largestSize;
  const worker = new JobWorker(redis, keys, (run) => processJob(deps, run), {
    name: id,
    lockMs: config.lockSeconds * 1000,
    keepSeconds: config.resultSeconds,
    largestSize: () => largestSize(engine.state, maximumSize),
    onError: logQueueErrors(logger, "queue"),
  });
  const describe = await workerDescriber({ id, engine, worker, throughput, maximumSize });
  const heartbeat = new Heartbeat(redis, keys, describe);

  /** Takes jobs only while the engine can paint. */
  const followEngine = (state: EngineState) => {
    heartbeat.send();
    if (state.type === "ready") {
      logger.info({ engine: state.engine, largest_size: largestSize(state, maximumSize) }, "ready for jobs");
      worker.start();
    } else if (state.type === "not_ready") {
      logger.error({ code: state.code }, state.message);
      void worker.pause();
    }
  };
  heartbeat.start();
  engine.start();
  const maintenance = startMaintenance(config, keys, store, logger);

  logger.info(`received ${await signal}: returning the current job to the queue`);
  void maintenance.then((one) => one.stop());
  await worker.close(CLOSE_TIMEOUT_MS);
  await engine.stop();
  await Promise.race([heartbeat.stop(), sleep(1_000)]);
  redis.disconnect();
  logger.info("stopped");
  exitAfterLogging(logger, 0);
}

async function createEngineSandbox(config: Config, logger: Logger): Promise<Sandbox | null> {
  if (!config.engine.sandbox) {
    logger.warn("engine sandbox disabled (ENGINE_SANDBOX=off)");
    return null;
  }
  await mkdir(config.scratchDirectory, { recursive: true });
  const sandbox = await createSandbox({
    scratch: config.scratchDirectory,
    dataDirectory: config.dataDirectory,
    weights: config.vgg19Weights,
    environment: process.env,
  });
  if (sandbox) {
    logger.info(`engine sandbox enabled: it blocks ${sandbox.restrictions.join(", ")}`);
    if (sandbox.unavailable.length > 0)
      logger.warn(`the engine sandbox cannot block on this system: ${sandbox.unavailable.join(", ")}`);
  } else logger.warn("engine sandbox unavailable on this system: the engine has the worker's own access");
  return sandbox;
}

/** Runs on a connection of its own, whose commands fail while Redis is unreachable: the next run catches up. */
async function startMaintenance(config: Config, keys: RedisKeys, store: BlobStore, logger: Logger) {
  const redis = connectForRequests(config.redisUrl);
  await waitUntilReady(redis);
  const records = new RecordStore(redis, keys, config.resultSeconds);
  const scheduler = new JobScheduler(redis, keys);
  const pictures = new PictureRegistry(redis, keys);
  const maintenance = new Maintenance({
    ...{ redis, keys, records, scheduler, pictures },
    ...{ store, config, logger },
  });
  maintenance.start();
  return maintenance;
}

runProgram(main);
