import type { IncomingMessage, ServerResponse } from "node:http";
import type { FastifyBaseLogger, FastifyInstance, RawServerDefault } from "fastify";
import type { FastifyPluginAsyncZod, ZodTypeProvider } from "fastify-type-provider-zod";
import type { Redis } from "ioredis";
import { ApiKeyStore } from "../auth/api-key-store.ts";
import { RateLimits } from "../auth/rate-limits.ts";
import { SignedLinks } from "../auth/signed-links.ts";
import type { Config } from "../config.ts";
import { BatchStore } from "../jobs/batch-store.ts";
import { IdempotencyStore } from "../jobs/idempotency-store.ts";
import { JobQueue } from "../jobs/job-queue.ts";
import type { Logger } from "../logging.ts";
import { createUrlPolicy, type UrlPolicy } from "../net/url-policy.ts";
import { PicturePool } from "../pictures/process/picture-pool.ts";
import { SMALL_PIXELS } from "../pictures/validate-picture.ts";
import type { RedisKeys } from "../redis/keys.ts";
import type { BlobStore } from "../storage/blob-store.ts";
import { createBlobStore } from "../storage/create-store.ts";
import { FreeSpace } from "../storage/free-space.ts";
import { WebhookSecrets } from "../webhooks/webhook-secrets.ts";
import { DerivedPictures } from "./files/derived-pictures.ts";

const MIB = 1024 * 1024;
/** A process needs 100 MiB for itself, and an AVIF of 4 MP another 100 MiB. */
const SMALL_PICTURE_MEMORY_BYTES = 256 * MIB;
/** An AVIF of 4096 × 4096 px needs 700 MiB while it is encoded, one of 4 MP 200 MiB. */
const CONVERSION_MEMORY_BYTES = { small: 384 * MIB, large: 1024 * MIB };

/** What the plugins and routes work with. Whoever creates it also closes it. */
export interface Dependencies {
  config: Config;
  logger: Logger;
  queue: JobQueue;
  store: BlobStore;
  /** Decodes uploads. */
  picturePool: PicturePool;
  /** Converts results. */
  conversionPool: PicturePool;
  derivedPictures: DerivedPictures;
  idempotency: IdempotencyStore;
  batches: BatchStore;
  apiKeys: ApiKeyStore;
  signedLinks: SignedLinks;
  rateLimits: RateLimits;
  urlPolicy: UrlPolicy;
  freeSpace: FreeSpace;
  webhookSecrets: WebhookSecrets;
}

/** @param redis a connection made by `connectForRequests`; closing the queue closes it */
export async function createDependencies(config: Config, logger: Logger, redis: Redis, keys: RedisKeys) {
  const { limits } = config;
  const store = await createBlobStore(config);
  const conversionPool = new PicturePool([
    { memoryBytes: CONVERSION_MEMORY_BYTES.small, maxPixels: SMALL_PIXELS },
    { memoryBytes: CONVERSION_MEMORY_BYTES.large },
  ]);
  const storeFolders = config.storage.type === "filesystem" ? [config.storage.directory] : [];
  return {
    config,
    logger,
    queue: new JobQueue(redis, keys, { ...limits, keepSeconds: config.resultSeconds }),
    store,
    picturePool: new PicturePool([
      { memoryBytes: SMALL_PICTURE_MEMORY_BYTES, maxPixels: SMALL_PIXELS },
      { memoryBytes: limits.pictureMemoryBytes },
    ]),
    conversionPool,
    derivedPictures: new DerivedPictures(store, conversionPool, config),
    idempotency: new IdempotencyStore(redis, keys),
    batches: new BatchStore(redis, keys, config.resultSeconds),
    apiKeys: new ApiKeyStore(redis, keys),
    signedLinks: new SignedLinks(redis, keys),
    rateLimits: new RateLimits(redis, keys, {
      requests: limits.requestsPerMinute,
      jobs: limits.jobsPerMinute,
    }),
    urlPolicy: createUrlPolicy(config.urlNetworks),
    freeSpace: new FreeSpace([config.spoolDirectory, ...storeFolders], limits.freeBytes),
    webhookSecrets: new WebhookSecrets(redis, keys),
  } satisfies Dependencies;
}

/** Fastify whose route types come from zod schemas. */
export type App = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  ZodTypeProvider
>;

/** A Fastify plugin whose options are the dependencies. */
export type ApiPlugin = FastifyPluginAsyncZod<Dependencies>;
