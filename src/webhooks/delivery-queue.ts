import { type Job, Queue, UnrecoverableError, Worker } from "bullmq";
import type { Redis } from "ioredis";
import type { WebhookEvent } from "../contract/webhook.ts";
import { type RedisKeys, WEBHOOK_QUEUE_NAME } from "../redis/keys.ts";

/** A message to a receiver, the same for each attempt. */
export interface WebhookMessage {
  id: string;
  event: WebhookEvent;
  job: string;
  owner: string;
  url: string;
  body: string;
  traceparent: string | null;
}

/** The delay before each retry, in seconds: 27 hours in total, as Standard Webhooks recommends. */
export const RETRY_DELAYS_SECONDS = [5, 30, 300, 1800, 2 * 3600, 5 * 3600, 10 * 3600, 10 * 3600];
const CONCURRENCY = 20;
/** Longer than an attempt may take: a process that does not renew its lock for so long has died. */
const LOCK_MS = 30_000;
/** A message that is added twice within this time is sent once. */
const DEDUPLICATION_SECONDS = 3600;

/** The messages to deliver, in a BullMQ queue. */
export class DeliveryQueue {
  private readonly queue: Queue<WebhookMessage>;

  constructor(redis: Redis, keys: RedisKeys) {
    this.queue = new Queue<WebhookMessage>(WEBHOOK_QUEUE_NAME, {
      connection: redis,
      prefix: keys.prefix,
      skipWaitingForReady: true,
      defaultJobOptions: {
        attempts: RETRY_DELAYS_SECONDS.length + 1,
        backoff: { type: "custom" },
        removeOnComplete: { age: DEDUPLICATION_SECONDS },
        removeOnFail: { age: DEDUPLICATION_SECONDS },
      },
      streams: { events: { maxLen: 1000 } },
    });
    this.queue.on("error", () => undefined);
  }

  /** Adds a message, unless it has been added already. */
  async add(message: WebhookMessage): Promise<void> {
    await this.queue.add("deliver", message, { jobId: message.id });
  }

  async close(): Promise<void> {
    await this.queue.close();
  }
}

export type AttemptOutcome =
  | { type: "delivered" }
  | { type: "retry"; delayMs: number }
  | { type: "exhausted" };

class RetryError extends Error {
  constructor(readonly delayMs: number) {
    super("not delivered");
  }
}

/** Calls `attempt` for each message until it is delivered or given up. */
export class DeliveryWorker {
  private readonly worker: Worker<WebhookMessage>;

  /** @param redis a connection made by `connectForWork`; its owner closes it after `close` */
  constructor(
    redis: Redis,
    keys: RedisKeys,
    attempt: (message: WebhookMessage, previousAttempts: number) => Promise<AttemptOutcome>,
    onError: (error: Error) => void,
  ) {
    const process = async (job: Job<WebhookMessage>) => {
      const outcome = await attempt(job.data, job.attemptsMade);
      if (outcome.type === "retry") throw new RetryError(outcome.delayMs);
      if (outcome.type === "exhausted") throw new UnrecoverableError("no attempts left");
    };
    this.worker = new Worker<WebhookMessage>(WEBHOOK_QUEUE_NAME, process, {
      connection: redis,
      prefix: keys.prefix,
      autorun: false,
      concurrency: CONCURRENCY,
      lockDuration: LOCK_MS,
      maxStalledCount: Number.MAX_SAFE_INTEGER,
      settings: {
        backoffStrategy: (_made, _type, error) => (error instanceof RetryError ? error.delayMs : 1_000),
      },
    });
    this.worker.on("error", onError);
  }

  start(): void {
    this.worker.run().catch(() => undefined);
  }

  async close(): Promise<void> {
    await this.worker.close();
  }
}
