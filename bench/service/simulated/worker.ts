// A worker like workers/main.ts with a SIMULATED engine. Arguments: STEP_MS TIMES_FILE.
import { once } from "node:events";
import { join } from "node:path";
import { readConfig } from "../../../src/config.ts";
import { createLogger } from "../../../src/logging.ts";
import { connectForWork } from "../../../src/redis/connection.ts";
import { RedisKeys } from "../../../src/redis/keys.ts";
import { createBlobStore } from "../../../src/storage/create-store.ts";
import { EngineProcess } from "../../../workers/engine-process/engine-process.ts";
import { processJob } from "../../../workers/job/process-job.ts";
import { JobWorker } from "../../../workers/job-worker.ts";
import { ThroughputEstimator } from "../../../workers/throughput-estimator.ts";

const config = readConfig();
const logger = createLogger(config, "worker");
const redis = connectForWork(config.redisUrl);
const keys = new RedisKeys(config.redisKeyPrefix);
const engine = new EngineProcess({
  script: join(import.meta.dirname, "engine.js"),
  arguments: process.argv.slice(2),
  environment: process.env,
});
const { limits, scratchDirectory } = config;
const checkpointMs = config.checkpointSeconds * 1000;
const store = await createBlobStore(config);
const tools = {
  store,
  engine,
  limits,
  scratchDirectory,
  checkpointMs,
  logger,
  throughput: new ThroughputEstimator(),
};
const worker = new JobWorker(redis, keys, (run) => processJob(tools, run), {
  name: `simulated-${process.pid}`,
});
engine.start();
await engine.whenReady();
worker.start();
console.log("ready");
await once(process, "SIGTERM");
await worker.close(5_000);
await engine.stop();
redis.disconnect();
process.exit(0);
