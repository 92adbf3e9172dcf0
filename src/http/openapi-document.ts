import { pino } from "pino";
import { openAccess } from "../access/access.ts";
import { readConfig } from "../config.ts";
import { connectForRequests } from "../queue/connection.ts";
import { QueueKeys } from "../queue/keys.ts";
import { RedisJobQueue } from "../queue/redis-job-queue.ts";
import { BatchStore } from "../queue/submissions/batch-store.ts";
import { IdempotencyStore } from "../queue/submissions/idempotency-store.ts";
import { createBlobStore } from "../storage/create-store.ts";
import { WebhookSecrets } from "../webhooks/webhook-secrets.ts";
import { buildApp } from "./app.ts";

/** The contract as YAML. The app behind it is asked for nothing, so that its Redis need not be there. */
export async function openApiDocument(): Promise<string> {
  const config = readConfig({});
  const redis = connectForRequests("redis://127.0.0.1:1");
  const keys = new QueueKeys("none");
  const queue = new RedisJobQueue(redis, keys);
  const idempotency = new IdempotencyStore(redis, keys);
  const batches = new BatchStore(redis, keys, config.resultSeconds);
  const access = openAccess(redis, keys, config.limits);
  const webhookSecrets = new WebhookSecrets(redis, keys);
  const store = createBlobStore(config);
  const logger = pino({ level: "silent" });
  const app = await buildApp({ config, logger, queue, store, idempotency, batches, access, webhookSecrets });
  try {
    await app.ready();
    return app.swagger({ yaml: true });
  } finally {
    await app.close();
    await queue.close();
  }
}
