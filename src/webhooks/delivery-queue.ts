import { join } from "node:path";
import { DelayedError, type Job, Queue, UnrecoverableError, Worker } from "bullmq";
import type { Redis } from "ioredis";
import type { WebhookEvent } from "../contract/webhook.ts";
import { type RedisKeys, WEBHOOK_QUEUE_NAME } from "../redis/keys.ts";
import { LuaScript } from "../redis/lua-script.ts";
import { ReceiverLimiter } from "./receiver-limiter.ts";

/** A message to a receiver, the same for each attempt. */
export interface WebhookMessage {
  /** Starts with its job's; what follows the last "_" sorts by time. */
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
const CONCURRENCY = 64;
/** Longer than an attempt may take: a process that does not renew its lock for so long has died. */
const LOCK_MS = 30_000;
/** A message that is added twice within this time (in seconds) is sent once, unless so many others were sent in between. */
const DEDUPLICATION = { age: 3600, count: 1_000 };

/** How many messages may wait for their receiver. Beyond, the oldest ones are given up. */
export interface UndeliveredLimits {
  ofJob: number;
  ofOwner: number;
}
export const UNDELIVERED_LIMITS: UndeliveredLimits = { ofJob: 20, ofOwner: 2_000 };

const admitMessage = new LuaScript<
  [undelivered: string, message: string],
  { id: string; job_prefix: string; max_of_job: number; max_of_owner: number },
  string[]
>(join(import.meta.dirname, "lua", "admit-message.lua"));

/** The messages to deliver, in a BullMQ queue. */
export class DeliveryQueue {
  private readonly queue: Queue<WebhookMessage>;

  constructor(
    private readonly redis: Redis,
    private readonly keys: RedisKeys,
    private readonly limits: UndeliveredLimits = UNDELIVERED_LIMITS,
  ) {
    this.queue = new Queue<WebhookMessage>(WEBHOOK_QUEUE_NAME, {
      connection: redis,
      prefix: keys.prefix,
      skipWaitingForReady: true,
      defaultJobOptions: {
        attempts: RETRY_DELAYS_SECONDS.length + 1,
        backoff: { type: "custom" },
        removeOnComplete: DEDUPLICATION,
        removeOnFail: DEDUPLICATION,
      },
      streams: { events: { maxLen: 1000 } },
    });
    this.queue.on("error", () => undefined);
  }

  /** Adds a message, unless it has been added already. Returns the messages that are given up for it. */
  async add(message: WebhookMessage): Promise<WebhookMessage[]> {
    const { id, owner } = message;
    const { redis, keys, limits, queue } = this;
    const givenUp = await admitMessage.run(redis, [keys.undelivered(owner), keys.webhookMessage(id)], {
      ...{ id, job_prefix: id.slice(0, id.lastIndexOf("_") + 1) },
      ...{ max_of_job: limits.ofJob, max_of_owner: limits.ofOwner },
    });
    await queue.add("deliver", message, { jobId: id });
    const found = await Promise.all(givenUp.map((one) => queue.getJob(one)));
    // A message that is being sent stays; the worker sees that it has been given up.
    for (const one of givenUp) await queue.remove(one);
    return found.flatMap((job) => (job ? [job.data] : []));
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
  private readonly receivers = new ReceiverLimiter();

  /** @param redis a connection made by `connectForWork`; its owner closes it after `close` */
  constructor(
    private readonly redis: Redis,
    private readonly keys: RedisKeys,
    private readonly attempt: (message: WebhookMessage, previousAttempts: number) => Promise<AttemptOutcome>,
    onError: (error: Error) => void,
  ) {
    this.worker = new Worker<WebhookMessage>(WEBHOOK_QUEUE_NAME, (job, token) => this.process(job, token), {
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

  /** BullMQ's processor. */
  private async process(job: Job<WebhookMessage>, token?: string): Promise<void> {
    const { id, owner, url } = job.data;
    const undelivered = this.keys.undelivered(owner);
    if ((await this.redis.zscore(undelivered, id)) === null) throw new UnrecoverableError("given up");
    const release = this.receivers.acquire(owner, new URL(url).host);
    if (typeof release === "number") {
      await job.moveToDelayed(Date.now() + release, token);
      throw new DelayedError();
    }
    const outcome = await this.attempt(job.data, job.attemptsMade).finally(release);
    if (outcome.type === "retry") throw new RetryError(outcome.delayMs);
    await this.redis.zrem(undelivered, id);
    if (outcome.type === "exhausted") throw new UnrecoverableError("no attempts left");
  }
}
