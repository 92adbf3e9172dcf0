import { resolve } from "node:path";
import { z } from "zod";
import { SIZE_RANGE } from "../contract/options.ts";
import { ROOT } from "../root.ts";
import {
  choice,
  cidrList,
  folder,
  integer,
  keyPrefix,
  origins,
  redisUrl,
  webUrl,
  weights,
} from "./value-types.ts";

const MIB = 1024 * 1024;
const HOUR = 3600;

const process = {
  NODE_ENV: choice(["development", "production", "test"])
    .default("development")
    .describe("In `production` the log is JSON even in a terminal."),
  LOG_LEVEL: choice(["fatal", "error", "warn", "info", "debug", "trace", "silent"])
    .default("info")
    .describe("Least severe level that is logged."),
  SHUTDOWN_SECONDS: integer(30, 1, 3600).describe(
    "Time that open requests get to finish after SIGTERM. Docker and Kubernetes must wait longer before they kill.",
  ),
};

const api = {
  HOST: z.string().default("127.0.0.1").describe("Address on which the API listens."),
  PORT: integer(3000, 0, 65_535).describe("Port on which the API listens; 0: any free port."),
  HEADERS_TIMEOUT_SECONDS: integer(15, 1, 600).describe("Time limit for receiving a request's headers."),
  REQUEST_TIMEOUT_SECONDS: integer(120, 1, 3600).describe("Time limit for receiving a whole request."),
  KEEP_ALIVE_TIMEOUT_SECONDS: integer(72, 1, 3600).describe(
    "How long a connection without requests stays open. A proxy in front must close its idle connections earlier.",
  ),
  MAX_WAIT_SECONDS: integer(60, 0, 600).describe("Longest time that `Prefer: wait` delays a response."),
  HEARTBEAT_SECONDS: integer(15, 1, 300).describe("Time between two heartbeats of an event stream."),
};

const access = {
  ANONYMOUS_ACCESS: choice(["loopback", "always", "never"])
    .default("loopback")
    .describe(
      "Whether requests without an API key are accepted. `loopback`: if `HOST` is a loopback address; `always`: from " +
        "everybody, all as one owner; `never`: from nobody.",
    ),
  RATE_LIMIT_REQUESTS: integer(1_200, 0, 1_000_000).describe(
    "Requests per minute and key, or per client address without keys; 0: no limit.",
  ),
  RATE_LIMIT_JOBS: integer(120, 0, 1_000_000).describe(
    "New and retried jobs per minute and key, or per client address without keys; 0: no limit.",
  ),
  CORS_ORIGINS: origins
    .optional()
    .describe(
      "Sites whose pages may call the API from a browser, such as `https://example.com`, with commas.",
    ),
  TRUSTED_PROXIES: cidrList
    .optional()
    .describe("Networks of proxies whose `X-Forwarded-For` is believed, such as `10.1.0.0/16`, with commas."),
  URL_ALLOWED_NETWORKS: cidrList
    .optional()
    .describe("Networks that clients' URLs may lead to although they are not public, with commas."),
};

const redis = {
  REDIS_URL: redisUrl.optional().meta({
    description:
      "`redis://host:port`, `rediss://user:password@host:port`, `redis+cluster://host:port,host:port` or the path of " +
      "a unix socket (with a password: `unix://:password@/path`). Redis 6.2 or newer, with `maxmemory-policy noeviction` " +
      "and an append-only file.",
    defaultText: "`npm start`: an embedded Redis; else `redis://127.0.0.1:6379`",
  }),
  REDIS_KEY_PREFIX: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,64}$/, "expected letters, digits, _ and -")
    .default("nst")
    .describe(
      "Prefix of all keys, which is also their hash tag in a Redis Cluster. Installations with different prefixes share a Redis " +
        "without seeing each other.",
    ),
};

const storage = {
  DATA_DIR: folder
    .default(resolve(ROOT, "data"))
    .describe(
      "Folder for pictures and for the embedded Redis' append-only file. Any file system serves, also exFAT, SMB and WSL drives.",
    ),
  SPOOL_DIR: folder
    .optional()
    .meta({ description: "Uploads that have not been validated yet.", defaultText: "`DATA_DIR/spool`" }),
  SCRATCH_DIR: folder.optional().meta({
    description: "A worker's checkpoints on their way to the store.",
    defaultText: "`DATA_DIR/scratch`",
  }),
  RESULT_TTL_SECONDS: integer(7 * 24 * HOUR, 1, 10 * 365 * 24 * HOUR).describe(
    "How long a finished job and its pictures are kept, if the job has no `expires_in`.",
  ),
  STORAGE: choice(["filesystem", "s3"])
    .default("filesystem")
    .describe("Where pictures are stored: in `DATA_DIR`, or in an S3 bucket."),
  S3_BUCKET: z.string().optional().describe("Name of the bucket; required with `STORAGE=s3`."),
  S3_PREFIX: keyPrefix.optional().describe("Prefix of all keys in the bucket, such as `pictures/nst`."),
  S3_REGION: z.string().default("us-east-1").describe("Region of the bucket."),
  S3_ENDPOINT: webUrl
    .optional()
    .meta({ description: "URL of another S3 server than Amazon's.", defaultText: "Amazon's" }),
  S3_PUBLIC_ENDPOINT: webUrl.optional().meta({
    description: "URL of the S3 server as clients reach it, for `S3_PRESIGNED_URL_SECONDS`.",
    defaultText: "`S3_ENDPOINT`",
  }),
  S3_FORCE_PATH_STYLE: choice(["true", "false"]).optional().meta({
    description:
      "Whether the bucket's name is in the path of URLs (`https://host/bucket`) or in the host's name (`https://bucket.host`).",
    standard: "`true` with `S3_ENDPOINT`, else `false`",
  }),
  S3_ACCESS_KEY_ID: z.string().optional().meta({
    description:
      "Access key of the S3 server. docker-compose.yml also gives it to the server that it starts.",
    defaultText: "AWS variables, profiles, roles",
  }),
  S3_SECRET_ACCESS_KEY: z
    .string()
    .optional()
    .meta({ description: "Secret of `S3_ACCESS_KEY_ID`.", defaultText: "AWS variables, profiles, roles" }),
  S3_PRESIGNED_URL_SECONDS: integer(0, 0, 7 * 24 * HOUR).describe(
    "If above 0, results are redirects to presigned URLs of the bucket that are valid for this long.",
  ),
};

const limits = {
  MAX_UPLOAD_BYTES: integer(32 * MIB, 1024, 1024 * MIB).describe("Size of one picture file, in bytes."),
  MAX_REQUEST_BYTES: integer(256 * MIB, 1024, 64 * 1024 * MIB).describe(
    "Size of a whole submission, and of its pictures together, in bytes; all other bodies may have 64 KiB.",
  ),
  MAX_PICTURE_PIXELS: integer(64_000_000, 1024, 1_000_000_000).describe("Pixels of one picture."),
  MAX_STYLES: integer(4, 1, 16).describe("Styles of one job."),
  MAX_BATCH_JOBS: integer(64, 1, 1000).describe("Jobs of one batch."),
  MAX_SIZE: integer(4096, 32, 4096).describe("Longest edge of a result, in pixels."),
  MAX_STEPS: integer(20_000, 1, 20_000).describe("Optimiser steps of one job."),
  PICTURE_TIMEOUT_SECONDS: integer(20, 1, 600).describe("Time limit for decoding one picture."),
  PICTURE_MEMORY_BYTES: integer(640 * MIB, 256 * MIB, 64 * 1024 * MIB).describe(
    "Memory of the process that decodes large pictures, in bytes; a picture that needs more is rejected. 24 MP of AVIF need about 640 MiB.",
  ),
  URL_TIMEOUT_SECONDS: integer(20, 1, 600).describe("Time limit for fetching one picture from its URL."),
};

const load = {
  MAX_QUEUED_JOBS: integer(10_000, 1, 10_000_000).describe("Queued jobs of all owners; more get 503."),
  MAX_QUEUED_JOBS_PER_OWNER: integer(1_000, 1, 10_000_000).describe(
    "Queued jobs of one owner; more get 429.",
  ),
  MAX_JOBS_PER_OWNER: integer(10_000, 1, 100_000_000).describe(
    "Jobs of one owner that are stored, finished ones included; more get 429.",
  ),
  MAX_UPLOADS: integer(64, 1, 100_000).describe(
    "Submissions that one API process reads at once; more get 503.",
  ),
  MAX_STREAMS: integer(1_000, 1, 1_000_000).describe(
    "Event streams and delayed responses of one API process at once; more get 503.",
  ),
  MIN_FREE_BYTES: integer(256 * MIB, 0, 1024 * 1024 * MIB).describe(
    "If the disk of `SPOOL_DIR` or of the store would have less free space, submissions get 503.",
  ),
};

const worker = {
  NST_VGG19_WEIGHTS: weights.optional().meta({
    description: "VGG-19's weights: a folder with a TensorFlow.js layers model, or Keras's `.h5` file.",
    defaultText: "`models/vgg19`, `../shared/vgg19`, else `~/.keras/models`",
  }),
  WORKER_MAX_SIZE: integer(SIZE_RANGE.maximum, SIZE_RANGE.minimum, SIZE_RANGE.maximum).describe(
    "Largest `size` that the worker accepts; less if its memory is too small.",
  ),
  ENGINE_THREADS: integer(0, 0, 1024).describe(
    "Processor cores to use; 0: all that the process or container may use.",
  ),
  CUDA_VISIBLE_DEVICES: z.string().optional().meta({
    description: "Graphics card of the worker, by number or UUID. Run one worker for each card.",
    defaultText: "the first",
  }),
  ENGINE_SANDBOX: choice(["on", "off"])
    .default("on")
    .describe("Whether the engine runs without access to the network, to most files and to other processes."),
  LIVENESS_FILE: folder.optional().describe("File that the worker touches every 5 s, for liveness probes."),
  CHECKPOINT_SECONDS: integer(5, 1, 3600).describe("Shortest time between two checkpoints of a running job."),
  LOCK_SECONDS: integer(20, 1, 3600).describe(
    "How long a worker may be silent before another worker continues its job.",
  ),
};

/** Every variable that the service reads, by the headings of docs/configuration.md. */
export const ENVIRONMENT_SECTIONS = {
  Processes: process,
  "The API": api,
  "Who may call it": access,
  Redis: redis,
  "Pictures and results": storage,
  "Limits of one request": limits,
  "Limits of load": load,
  "The worker": worker,
};

/** Every variable that the service reads. Empty ones count as not set. */
export const environmentSchema = z.object({
  ...process,
  ...api,
  ...access,
  ...redis,
  ...storage,
  ...limits,
  ...load,
  ...worker,
});
export type Environment = z.infer<typeof environmentSchema>;
