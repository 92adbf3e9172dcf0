import type { IncomingMessage, ServerResponse } from "node:http";
import type { FastifyBaseLogger, FastifyInstance, RawServerDefault } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import type { Access } from "../auth/access.ts";
import type { Config } from "../config.ts";
import type { Logger } from "../logging.ts";
import type { JobQueue } from "../queue/job-queue.ts";
import type { BatchStore } from "../queue/submissions/batch-store.ts";
import type { IdempotencyStore } from "../queue/submissions/idempotency-store.ts";
import type { BlobStore } from "../storage/blob-store.ts";
import type { WebhookSecrets } from "../webhooks/webhook-secrets.ts";

/** What the API is made of; who builds it also closes them. */
export interface Dependencies {
  config: Config;
  logger: Logger;
  queue: JobQueue;
  store: BlobStore;
  idempotency: IdempotencyStore;
  batches: BatchStore;
  access: Access;
  webhookSecrets: WebhookSecrets;
}

/** Fastify with zod schemas as the source of its types. */
export type App = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  ZodTypeProvider
>;
