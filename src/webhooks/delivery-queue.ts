import { type Job, Queue, UnrecoverableError, Worker } from "bullmq";
import type { Redis } from "ioredis";
import type { WebhookEvent } from "../contract/webhook.ts";
import { type RedisKeys, WEBHOOK_QUEUE_NAME } from "../redis/keys.ts";

/** What is told to a receiver, the same at each attempt. */
export interface WebhookMessage {
  id: string;
  event: WebhookEvent;
  job: string;
  owner: string;
  url: string;
  body: string;
  traceparent: string | null;
}

/** Pauses between the attempts, in seconds: 27 hours in all, as Standard Webhooks advises. */
export const ATTEMPT_PAUSES_SECONDS = [5, 30, 300, 1800, 2 * 3600, 5 * 3600, 10 * 3600, 10 * 3600];
const CONCURRENCY = 20;
/** Longer than an attempt may take: whoever is silent for so long has died, and another goes on. */
const LOCK_MS = 30_000;
/** A message that is handed in twice within this time is sent once. */
const REMEMBERED_SECONDS = 3600;

/** Messages on their way, in a BullMQ queue of their own. */
export class WebhookQueue {
  private readonly queue: Queue<WebhookMessage>;

  constructor(redis: Redis, keys: RedisKeys) {
    this.queue = new Queue<WebhookMessage>(WEBHOOK_QUEUE_NAME, {
      connection: redis,
      prefix: keys.prefix,
      skipWaitingForReady: true,
      defaultJobOptions: {
        attempts: ATTEMPT_PAUSES_SECONDS.length + 1,
        backoff: { type: "custom" },
        removeOnComplete: { age: REMEMBERED_SECONDS },
        removeOnFail: { age: REMEMBERED_SECONDS },
      },
      streams: { events: { maxLen: 1000 } },
    });
    this.queue.on("error", () => undefined);
  }

  /** Adding a message that is there already changes nothing. */
  async add(message: WebhookMessage): Promise<void> {
    await this.queue.add("deliver", message, { jobId: message.id });
  }

  async close(): Promise<void> {
    await this.queue.close();
  }
}

/** How an attempt ended: delivered, to be tried again after a pause, or given up. */
export type AttemptEnd = { type: "delivered" } | { type: "again"; ms: number } | { type: "given_up" };

class TryAgain extends Error {
  constructor(readonly ms: number) {
    super("not delivered");
  }
}

/** Takes messages and has them sent by `attempt`, which is told how many attempts there were before. */
export class WebhookWorker {
  private readonly worker: Worker<WebhookMessage>;

  /** @param redis a connection made by `connectForWork`, which is closed by its owner after `close` */
  constructor(
    redis: Redis,
    keys: RedisKeys,
    attempt: (message: WebhookMessage, before: number) => Promise<AttemptEnd>,
    onError: (error: Error) => void,
  ) {
    const take = async (job: Job<WebhookMessage>) => {
      const end = await attempt(job.data, job.attemptsMade);
      if (end.type === "again") throw new TryAgain(end.ms);
      if (end.type === "given_up") throw new UnrecoverableError("given up");
    };
    this.worker = new Worker<WebhookMessage>(WEBHOOK_QUEUE_NAME, take, {
      connection: redis,
      prefix: keys.prefix,
      autorun: false,
      concurrency: CONCURRENCY,
      lockDuration: LOCK_MS,
      maxStalledCount: Number.MAX_SAFE_INTEGER,
      settings: {
        backoffStrategy: (_made, _type, error) => (error instanceof TryAgain ? error.ms : 1_000),
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
