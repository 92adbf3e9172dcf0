import { resolve } from "node:path";
import { type Environment, environmentSchema } from "./environment/variables.ts";

/** What a stranger may send: each has its own problem code. */
export interface Limits {
  /** Size of one picture file. */
  uploadBytes: number;
  /** Size of a JSON body, which is held in memory; forms are not. */
  jsonBytes: number;
  /** Time in which a whole request must have come. */
  requestSeconds: number;
  /** Time in which a picture's URL must have given it. */
  urlSeconds: number;
  /** Width · height of one picture. */
  picturePixels: number;
  /** Time that decoding one picture may take. */
  pictureSeconds: number;
  styles: number;
  /** Jobs of one batch. */
  batchJobs: number;
  /** Longest edge of a result, in pixels. */
  size: number;
  steps: number;
  /** Jobs that may wait at once, and of one owner's. */
  queuedJobs: number;
  queuedJobsOfOwner: number;
  /** Requests that may bring pictures at once, and the size of their JSON bodies together. */
  uploads: number;
  jsonBytesAtOnce: number;
  /** Clients that may follow a job at once: event streams and answers that are held back. */
  streams: number;
  /** Room on the disks of spool and blob store below which no job is taken. */
  freeBytes: number;
  /** Longest that `Prefer: wait` holds an answer. */
  waitSeconds: number;
  /** Jobs of one owner that are kept at once, each with its pictures. */
  jobsOfOwner: number;
  /** Requests, and jobs made, of one key in a minute; 0: as many as it likes. */
  requestsPerMinute: number;
  jobsPerMinute: number;
  /** Time in which a request's head must have come. */
  headersSeconds: number;
}

export interface S3Settings {
  type: "s3";
  bucket: string;
  /** What stands before every key: "" or a path that ends in "/". */
  prefix: string;
  /** null: Amazon's own, by the region. */
  endpoint: string | null;
  /** The endpoint as clients reach it, for links; null: as the service does. */
  publicEndpoint: string | null;
  region: string;
  /** null: the SDK's usual places (AWS_… variables, profiles, the roles of containers and machines). */
  credentials: { accessKeyId: string; secretAccessKey: string } | null;
}

/** What a worker may use of its machine. */
export interface EngineSettings {
  /** Longest edge of the results that it takes at most, in pixels; less where its memory is too small. */
  largestSize: number;
  /** Whether it is kept from the network, from files and from other processes, as far as the system can. */
  sandbox: boolean;
  /** Processor cores that it computes on; null: all that it may use. */
  threads: number | null;
  /** The first graphics card that it sees, by number or UUID; null: the machine's first. */
  card: string | null;
}

export interface Config {
  environment: "development" | "production" | "test";
  logLevel: "fatal" | "error" | "warn" | "info" | "debug" | "trace" | "silent";
  host: string;
  port: number;
  /** Who may come without a key: everybody where the API listens on loopback only, everybody anywhere, or nobody. */
  openMode: "loopback" | "always" | "never";
  /** Sites whose pages may use the API from a browser. */
  corsOrigins: string[];
  /** Networks in CIDR form whose proxies are believed when they say where a request came from. */
  trustedProxies: string[];
  redisUrl: string;
  /** Whether that was set: where it was not, a service on one machine runs a Redis of its own. */
  redisIsGiven: boolean;
  /** Hash tag of all keys in Redis: installations of different tags share a Redis without seeing each other. */
  redisTag: string;
  dataDirectory: string;
  /** Where pictures are kept. */
  storage: { type: "filesystem"; directory: string } | S3Settings;
  /** How long a link to a result is good for; 0: the API sends results itself. */
  linkSeconds: number;
  /** Where uploads lie until they are checked; best on the same file system as `dataDirectory`. */
  spoolDirectory: string;
  /** Where a worker keeps files on their way between engine and store; best on the store's file system. */
  scratchDirectory: string;
  /** Folder or file that the user names (or `random:…`, for tests); null: the usual places are looked through. */
  vgg19Weights: string | null;
  limits: Limits;
  /** Networks in CIDR form that a client's URLs may lead to although they are not public. */
  urlNetworks: string[];
  /** How often an event stream says that it is still there. */
  heartbeatSeconds: number;
  /** How long a finished job and its pictures are kept. */
  resultSeconds: number;
  /** How long open requests may take to finish when the service stops. */
  shutdownSeconds: number;
  engine: EngineSettings;
  /** A file that a worker touches every few seconds, for liveness probes; null for none. */
  livenessFile: string | null;
  /** Time between two checkpoints of a running job. */
  checkpointSeconds: number;
  /** How long a worker may be silent before its job goes to another. */
  lockSeconds: number;
}

/** Names every variable that is wrong, what was expected and what was received. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
}

/** What may stand in a log of a variable's value. */
function withoutSecrets(name: string, value: string): string {
  if (/SECRET|KEY|PASSWORD/.test(name)) return "…";
  return value.replace(/^([a-z][a-z0-9+.-]*:\/\/)?.*@/is, "$1…@").replace(/\?.*$/s, "?…");
}

/** Reads the environment. Throws a `ConfigError`. */
export function readConfig(environment: NodeJS.ProcessEnv = process.env): Config {
  const set = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ""));
  const parsed = environmentSchema.safeParse(set);
  if (!parsed.success) {
    const lines = parsed.error.issues.map(({ path, message }) => {
      const name = String(path[0]);
      return `  ${name}: ${message}, received ${JSON.stringify(withoutSecrets(name, set[name] ?? ""))}`;
    });
    throw new ConfigError(`Wrong environment variables:\n${lines.join("\n")}`);
  }
  const variables = parsed.data;
  return {
    environment: variables.NODE_ENV,
    logLevel: variables.LOG_LEVEL,
    host: variables.HOST,
    port: variables.PORT,
    openMode: variables.OPEN_MODE,
    corsOrigins: variables.CORS_ORIGINS ?? [],
    trustedProxies: variables.TRUSTED_PROXIES ?? [],
    redisUrl: variables.REDIS_URL ?? "redis://127.0.0.1:6379",
    redisIsGiven: variables.REDIS_URL !== undefined,
    redisTag: variables.REDIS_TAG,
    dataDirectory: variables.DATA_DIR,
    storage: storageOf(variables),
    linkSeconds: variables.STORAGE === "s3" ? variables.S3_LINK_SECONDS : 0,
    spoolDirectory: variables.SPOOL_DIR ?? resolve(variables.DATA_DIR, "spool"),
    scratchDirectory: variables.SCRATCH_DIR ?? resolve(variables.DATA_DIR, "scratch"),
    vgg19Weights: variables.NST_VGG19_WEIGHTS ?? null,
    urlNetworks: variables.URL_ALLOWED_NETWORKS ?? [],
    limits: {
      uploadBytes: variables.MAX_UPLOAD_BYTES,
      jsonBytes: variables.MAX_JSON_BYTES,
      requestSeconds: variables.REQUEST_TIMEOUT_SECONDS,
      urlSeconds: variables.URL_TIMEOUT_SECONDS,
      picturePixels: variables.MAX_PICTURE_PIXELS,
      pictureSeconds: variables.PICTURE_TIMEOUT_SECONDS,
      styles: variables.MAX_STYLES,
      batchJobs: variables.MAX_BATCH_JOBS,
      size: variables.MAX_SIZE,
      steps: variables.MAX_STEPS,
      queuedJobs: variables.MAX_QUEUED_JOBS,
      queuedJobsOfOwner: variables.MAX_QUEUED_JOBS_PER_OWNER,
      uploads: variables.MAX_UPLOADS,
      jsonBytesAtOnce: variables.MAX_JSON_BYTES_AT_ONCE,
      streams: variables.MAX_STREAMS,
      freeBytes: variables.MIN_FREE_BYTES,
      waitSeconds: variables.MAX_WAIT_SECONDS,
      jobsOfOwner: variables.MAX_JOBS_PER_OWNER,
      requestsPerMinute: variables.RATE_LIMIT_REQUESTS,
      jobsPerMinute: variables.RATE_LIMIT_JOBS,
      headersSeconds: variables.HEADERS_TIMEOUT_SECONDS,
    },
    heartbeatSeconds: variables.HEARTBEAT_SECONDS,
    resultSeconds: variables.RESULT_TTL_SECONDS,
    shutdownSeconds: variables.SHUTDOWN_SECONDS,
    livenessFile: variables.LIVENESS_FILE ?? null,
    engine: {
      largestSize: variables.WORKER_MAX_SIZE,
      sandbox: variables.ENGINE_SANDBOX === "on",
      threads: variables.ENGINE_THREADS === 0 ? null : variables.ENGINE_THREADS,
      card: variables.CUDA_VISIBLE_DEVICES?.split(",")[0]?.trim() ?? null,
    },
    checkpointSeconds: variables.CHECKPOINT_SECONDS,
    lockSeconds: variables.LOCK_SECONDS,
  };
}

function storageOf(variables: Environment): Config["storage"] {
  if (variables.STORAGE === "filesystem") {
    return { type: "filesystem", directory: resolve(variables.DATA_DIR, "blobs") };
  }
  const { S3_ACCESS_KEY_ID: accessKeyId, S3_SECRET_ACCESS_KEY: secretAccessKey } = variables;
  if (variables.S3_BUCKET === undefined) {
    throw new ConfigError("Wrong environment variables:\n  S3_BUCKET: STORAGE=s3 needs a bucket's name");
  }
  if ((accessKeyId === undefined) !== (secretAccessKey === undefined)) {
    throw new ConfigError(
      "Wrong environment variables:\n  S3_ACCESS_KEY_ID, S3_SECRET_ACCESS_KEY: expected both or none of them",
    );
  }
  return {
    type: "s3",
    bucket: variables.S3_BUCKET,
    prefix: variables.S3_PREFIX ?? "",
    endpoint: variables.S3_ENDPOINT ?? null,
    publicEndpoint: variables.S3_PUBLIC_ENDPOINT ?? null,
    region: variables.S3_REGION,
    credentials: accessKeyId && secretAccessKey ? { accessKeyId, secretAccessKey } : null,
  };
}
