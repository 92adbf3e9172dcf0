import type { Redis } from "ioredis";
import { openAccess } from "../auth/access.ts";
import type { Config } from "../config.ts";
import type { Logger } from "../logging.ts";
import type { QueueKeys } from "../queue/keys.ts";
import { RedisJobQueue } from "../queue/redis-job-queue.ts";
import { BatchStore } from "../queue/submissions/batch-store.ts";
import { IdempotencyStore } from "../queue/submissions/idempotency-store.ts";
import { createBlobStore } from "../storage/create-store.ts";
import { WebhookSecrets } from "../webhooks/webhook-secrets.ts";
import type { Dependencies } from "./dependencies.ts";

/**
 * All that the API is made of.
 *
 * @param redis a connection made by `connectForRequests`, which is closed with the queue
 */
export function composeDependencies(config: Config, logger: Logger, redis: Redis, keys: QueueKeys) {
  return {
    config,
    logger,
    queue: new RedisJobQueue(redis, keys, { ...config.limits, keepSeconds: config.resultSeconds }),
    store: createBlobStore(config),
    idempotency: new IdempotencyStore(redis, keys),
    batches: new BatchStore(redis, keys, config.resultSeconds),
    access: openAccess(redis, keys, config.limits),
    webhookSecrets: new WebhookSecrets(redis, keys),
  } satisfies Dependencies;
}
