import { resolve } from "node:path";
import { type Environment, environmentSchema } from "./environment/variables.ts";

/** Every setting, under the service's own names. environment/variables.ts describes each variable. */
export type Config = ReturnType<typeof toConfig>;

/** A bucket of any S3. */
export type S3Settings = Extract<Config["storage"], { type: "s3" }>;

/** Names every variable that is wrong, what was expected and what was received. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
}

/** Reads the environment; empty variables count as not set. Throws a `ConfigError`. */
export function readConfig(environment: NodeJS.ProcessEnv = process.env): Config {
  const set = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ""));
  const parsed = environmentSchema.safeParse(set);
  if (parsed.success) return toConfig(parsed.data);
  const lines = parsed.error.issues.map(({ path, message }) => {
    const name = String(path[0]);
    return `${name}: ${message}, received ${JSON.stringify(redact(name, set[name] ?? ""))}`;
  });
  throw configError(...lines);
}

function configError(...lines: string[]): ConfigError {
  return new ConfigError(`Invalid environment variables:\n${lines.map((line) => `  ${line}`).join("\n")}`);
}

/** A variable's value without secrets, for a message. */
function redact(name: string, value: string): string {
  if (/SECRET|KEY|PASSWORD/.test(name)) return "…";
  return value.replace(/^([a-z][a-z0-9+.-]*:\/\/)?.*@/is, "$1…@").replace(/\?.*$/s, "?…");
}

function toConfig(variables: Environment) {
  return {
    environment: variables.NODE_ENV,
    logLevel: variables.LOG_LEVEL,
    host: variables.HOST,
    port: variables.PORT,
    anonymousAccess: variables.ANONYMOUS_ACCESS,
    corsOrigins: variables.CORS_ORIGINS ?? [],
    trustedProxies: variables.TRUSTED_PROXIES ?? [],
    redisUrl: variables.REDIS_URL ?? "redis://127.0.0.1:6379",
    /** If not, the service on one machine runs a Redis of its own. */
    hasExternalRedis: variables.REDIS_URL !== undefined,
    redisKeyPrefix: variables.REDIS_KEY_PREFIX,
    dataDirectory: variables.DATA_DIR,
    storage: storageOf(variables),
    /** How long a presigned URL of a result is valid; 0: the API sends results itself. */
    presignedUrlSeconds: variables.STORAGE === "s3" ? variables.S3_PRESIGNED_URL_SECONDS : 0,
    spoolDirectory: variables.SPOOL_DIR ?? resolve(variables.DATA_DIR, "spool"),
    scratchDirectory: variables.SCRATCH_DIR ?? resolve(variables.DATA_DIR, "scratch"),
    /** null: the usual places. */
    vgg19Weights: variables.NST_VGG19_WEIGHTS ?? null,
    urlNetworks: variables.URL_ALLOWED_NETWORKS ?? [],
    limits: {
      uploadBytes: variables.MAX_UPLOAD_BYTES,
      requestBytes: variables.MAX_REQUEST_BYTES,
      requestSeconds: variables.REQUEST_TIMEOUT_SECONDS,
      urlSeconds: variables.URL_TIMEOUT_SECONDS,
      picturePixels: variables.MAX_PICTURE_PIXELS,
      pictureSeconds: variables.PICTURE_TIMEOUT_SECONDS,
      pictureMemoryBytes: variables.PICTURE_MEMORY_BYTES,
      styles: variables.MAX_STYLES,
      batchJobs: variables.MAX_BATCH_JOBS,
      size: variables.MAX_SIZE,
      steps: variables.MAX_STEPS,
      queuedJobs: variables.MAX_QUEUED_JOBS,
      queuedJobsPerOwner: variables.MAX_QUEUED_JOBS_PER_OWNER,
      uploads: variables.MAX_UPLOADS,
      streams: variables.MAX_STREAMS,
      freeBytes: variables.MIN_FREE_BYTES,
      waitSeconds: variables.MAX_WAIT_SECONDS,
      jobsPerOwner: variables.MAX_JOBS_PER_OWNER,
      requestsPerMinute: variables.RATE_LIMIT_REQUESTS,
      jobsPerMinute: variables.RATE_LIMIT_JOBS,
      headersSeconds: variables.HEADERS_TIMEOUT_SECONDS,
      keepAliveSeconds: variables.KEEP_ALIVE_TIMEOUT_SECONDS,
    },
    heartbeatSeconds: variables.HEARTBEAT_SECONDS,
    resultSeconds: variables.RESULT_TTL_SECONDS,
    shutdownSeconds: variables.SHUTDOWN_SECONDS,
    livenessFile: variables.LIVENESS_FILE ?? null,
    engine: {
      largestSize: variables.WORKER_MAX_SIZE,
      sandbox: variables.ENGINE_SANDBOX === "on",
      /** null: all cores that it may use. */
      threads: variables.ENGINE_THREADS === 0 ? null : variables.ENGINE_THREADS,
      /** The first graphics card, by number or UUID; null: the machine's first. */
      gpuDevice: variables.CUDA_VISIBLE_DEVICES?.split(",")[0]?.trim() ?? null,
    },
    checkpointSeconds: variables.CHECKPOINT_SECONDS,
    lockSeconds: variables.LOCK_SECONDS,
  };
}

function storageOf(variables: Environment) {
  if (variables.STORAGE === "filesystem") {
    return { type: "filesystem" as const, directory: resolve(variables.DATA_DIR, "blobs") };
  }
  const { S3_ACCESS_KEY_ID: accessKeyId, S3_SECRET_ACCESS_KEY: secretAccessKey } = variables;
  if (variables.S3_BUCKET === undefined) {
    throw configError("S3_BUCKET: STORAGE=s3 needs a bucket's name");
  }
  if ((accessKeyId === undefined) !== (secretAccessKey === undefined)) {
    throw configError("S3_ACCESS_KEY_ID, S3_SECRET_ACCESS_KEY: expected both or neither");
  }
  return {
    type: "s3" as const,
    bucket: variables.S3_BUCKET,
    prefix: variables.S3_PREFIX ?? "",
    /** null: Amazon's own, by the region. */
    endpoint: variables.S3_ENDPOINT ?? null,
    /** null: clients reach the same endpoint as the service. */
    publicEndpoint: variables.S3_PUBLIC_ENDPOINT ?? null,
    region: variables.S3_REGION,
    /** Whether the bucket's name is in the path of URLs, rather than in the host's name. */
    forcePathStyle: (variables.S3_FORCE_PATH_STYLE ?? String(variables.S3_ENDPOINT !== undefined)) === "true",
    /** null: the AWS SDK looks in its usual places. */
    credentials: accessKeyId && secretAccessKey ? { accessKeyId, secretAccessKey } : null,
  };
}
