import { resolve } from "node:path";
import { z } from "zod";
import { SIZE_RANGE } from "./contract/options.ts";
import { ROOT } from "./root.ts";

const MIB = 1024 * 1024;
const HOUR = 3600;

/** A whole number of the environment, within [minimum, maximum]. */
const integer = (standard: number, minimum: number, maximum: number) =>
  z
    .string()
    .optional()
    .transform((text, context) => {
      if (text === undefined) return standard;
      const value = /^-?\d+$/.test(text) ? Number(text) : Number.NaN;
      if (value >= minimum && value <= maximum) return value;
      context.addIssue({ code: "custom", message: `expected a whole number from ${minimum} to ${maximum}` });
      return z.NEVER;
    });

const choice = <const Values extends readonly [string, ...string[]]>(values: Values) =>
  z.enum(values, { error: `expected one of ${values.join(", ")}` });

const folder = z.string().transform((path) => resolve(ROOT, path));

/** A path, or `random:<seed>:<divisor>` for random weights. */
const weights = z.string().transform((text) => (text.startsWith("random:") ? text : resolve(ROOT, text)));

/** Networks such as 10.1.0.0/16, separated by commas. */
const cidrList = z
  .string()
  .transform((text) => text.split(",").map((part) => part.trim()))
  .pipe(
    z.array(
      z.union([z.cidrv4(), z.cidrv6()], { error: "expected networks such as 10.1.0.0/16, with commas" }),
    ),
  );

/** Sites such as https://example.com, separated by commas. */
const origins = z
  .string()
  .transform((text) => text.split(",").map((part) => part.trim()))
  .refine((list) => list.every((one) => URL.canParse(one) && new URL(one).origin === one), {
    error: "expected sites such as https://example.com, with commas",
  });

const redisUrl = z
  .string()
  .refine(isRedisUrl, {
    error:
      "expected redis://host:port, rediss://host:port, redis+cluster://host:port,host:port or a unix socket's path",
  })
  .refine((text) => !text.startsWith("redis") || isDecodable(text), {
    error: "expected % in its user and password only before two hex digits (%25 for % itself)",
  });

function isDecodable(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}

function isRedisUrl(text: string): boolean {
  if (/^(unix:\/\/)?\//.test(text)) return true;
  const [, cluster, rest = ""] = /^rediss?(\+cluster)?:\/\/(.*)$/.exec(text) ?? [];
  const nodes = cluster ? rest.split(",") : [rest];
  return nodes.every((node) => URL.canParse(`http://${node}`));
}

const webUrl = z.url({ protocol: /^https?$/, error: "expected http://… or https://…" });

/** "" or a path that ends in "/". */
const keyPrefix = z
  .string()
  .regex(/^\/?[\w.-]+(\/[\w.-]+)*\/?$/, "expected a path such as pictures/nst")
  .transform((path) => `${path.replace(/^\/|\/$/g, "")}/`);

/** Every variable that the service reads. Empty ones count as not set. */
export const environmentSchema = z.object({
  NODE_ENV: choice(["development", "production", "test"]).default("development"),
  LOG_LEVEL: choice(["fatal", "error", "warn", "info", "debug", "trace", "silent"]).default("info"),
  HOST: z.string().default("127.0.0.1"),
  PORT: integer(3000, 0, 65_535),
  OPEN_MODE: choice(["loopback", "always", "never"]).default("loopback"),
  REDIS_URL: redisUrl.optional(),
  REDIS_TAG: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,64}$/, "expected letters, digits, _ and -")
    .default("nst"),
  DATA_DIR: folder.default(resolve(ROOT, "data")),
  SPOOL_DIR: folder.optional(),
  SCRATCH_DIR: folder.optional(),
  STORAGE: choice(["filesystem", "s3"]).default("filesystem"),
  S3_BUCKET: z.string().optional(),
  S3_PREFIX: keyPrefix.optional(),
  S3_ENDPOINT: webUrl.optional(),
  S3_PUBLIC_ENDPOINT: webUrl.optional(),
  S3_REGION: z.string().default("us-east-1"),
  S3_ACCESS_KEY_ID: z.string().optional(),
  S3_SECRET_ACCESS_KEY: z.string().optional(),
  S3_LINK_SECONDS: integer(0, 0, 7 * 24 * HOUR),
  NST_VGG19_WEIGHTS: weights.optional(),
  MAX_UPLOAD_BYTES: integer(32 * MIB, 1024, 1024 * MIB),
  MAX_JSON_BYTES: integer(48 * MIB, 1024, 512 * MIB),
  REQUEST_TIMEOUT_SECONDS: integer(120, 1, 3600),
  URL_TIMEOUT_SECONDS: integer(20, 1, 600),
  URL_ALLOWED_NETWORKS: cidrList.optional(),
  MAX_PICTURE_PIXELS: integer(64_000_000, 1024, 1_000_000_000),
  MAX_STYLES: integer(4, 1, 16),
  MAX_BATCH_JOBS: integer(64, 1, 1000),
  MAX_SIZE: integer(4096, 32, 4096),
  MAX_STEPS: integer(20_000, 1, 20_000),
  MAX_QUEUED_JOBS: integer(10_000, 1, 10_000_000),
  MAX_QUEUED_JOBS_PER_OWNER: integer(1_000, 1, 10_000_000),
  MAX_UPLOADS: integer(64, 1, 100_000),
  MAX_JSON_BYTES_AT_ONCE: integer(192 * MIB, 1024, 64 * 1024 * MIB),
  MAX_STREAMS: integer(1_000, 1, 1_000_000),
  MIN_FREE_BYTES: integer(256 * MIB, 0, 1024 * 1024 * MIB),
  MAX_JOBS_PER_OWNER: integer(10_000, 1, 100_000_000),
  RATE_LIMIT_REQUESTS: integer(1_200, 0, 1_000_000),
  RATE_LIMIT_JOBS: integer(120, 0, 1_000_000),
  CORS_ORIGINS: origins.optional(),
  TRUSTED_PROXIES: cidrList.optional(),
  HEADERS_TIMEOUT_SECONDS: integer(15, 1, 600),
  MAX_WAIT_SECONDS: integer(60, 0, 600),
  PICTURE_TIMEOUT_SECONDS: integer(20, 1, 600),
  HEARTBEAT_SECONDS: integer(15, 1, 300),
  RESULT_TTL_SECONDS: integer(7 * 24 * HOUR, 1, 10 * 365 * 24 * HOUR),
  SHUTDOWN_SECONDS: integer(30, 1, 3600),
  WORKER_MAX_SIZE: integer(SIZE_RANGE.maximum, SIZE_RANGE.minimum, SIZE_RANGE.maximum),
  ENGINE_SANDBOX: choice(["on", "off"]).default("on"),
  ENGINE_THREADS: integer(0, 0, 1024),
  CUDA_VISIBLE_DEVICES: z.string().optional(),
  LIVENESS_FILE: folder.optional(),
  CHECKPOINT_SECONDS: integer(5, 1, 3600),
  LOCK_SECONDS: integer(20, 1, 3600),
});
export type Environment = z.infer<typeof environmentSchema>;
