import { setTimeout as sleep } from "node:timers/promises";
import type { Redis } from "ioredis";
import type { JobView } from "../contract/job.ts";
import type { Delivery } from "../contract/webhook.ts";
import { incrementCounter } from "../jobs/metrics/counters.ts";
import type { JobRecord } from "../jobs/records/job-record.ts";
import { Outbox, type OutboxEvent } from "../jobs/records/outbox.ts";
import { RecordStore } from "../jobs/records/record-store.ts";
import type { Logger } from "../logging.ts";
import type { UrlPolicy } from "../net/url-policy.ts";
import type { RedisKeys } from "../redis/keys.ts";
import { logQueueErrors } from "../redis/log-connection.ts";
import { parseTraceparent } from "../trace-context.ts";
import {
  type AttemptOutcome,
  DeliveryQueue,
  DeliveryWorker,
  RETRY_DELAYS_SECONDS,
  type WebhookMessage,
} from "./delivery-queue.ts";
import { type PostOutcome, postJson } from "./post-json.ts";
import { signedHeaders } from "./signature.ts";
import { WebhookSecrets } from "./webhook-secrets.ts";

const POLL_INTERVAL_MS = 500;
const BATCH_SIZE = 100;
/** Standard Webhooks: the receiver wants no more attempts. */
const GONE = 410;
const MAX_DELAY_SECONDS = 24 * 3600;

interface WebhookSettings {
  urlPolicy: UrlPolicy;
  view: (record: JobRecord) => JobView;
  logger: Logger;
}

/**
 * Moves job events from the outbox to the webhook queue, and sends each at least once: until the receiver accepts it or
 * 27 hours have passed. Any number of processes may do so at once.
 */
export class WebhookSender {
  private readonly outbox: Outbox;
  private readonly queue: DeliveryQueue;
  private readonly worker: DeliveryWorker;
  private readonly records: RecordStore;
  private readonly secrets: WebhookSecrets;
  private readonly stopped = new AbortController();
  private readonly onError: (error: Error) => void;
  private draining: Promise<void> | null = null;

  /** @param redis a connection made by `connectForWork`; its owner closes it after `stop` */
  constructor(
    private readonly redis: Redis,
    private readonly keys: RedisKeys,
    private readonly settings: WebhookSettings,
  ) {
    this.onError = logQueueErrors(settings.logger, "webhooks");
    this.outbox = new Outbox(redis, keys);
    this.queue = new DeliveryQueue(redis, keys);
    this.records = new RecordStore(redis, keys);
    this.secrets = new WebhookSecrets(redis, keys);
    this.worker = new DeliveryWorker(
      redis,
      keys,
      (message, previousAttempts) => this.attempt(message, previousAttempts),
      this.onError,
    );
  }

  start(): void {
    this.worker.start();
    this.draining = this.drainOutbox();
  }

  /**
   * Resolves when no attempt is in progress, or after `timeoutMs`. Another process, or the next start, sends what is
   * interrupted again.
   */
  async stop(timeoutMs: number): Promise<void> {
    this.stopped.abort();
    const ended = Promise.all([this.draining, this.worker.close(), this.queue.close()]);
    const timer = new AbortController();
    const timeout = sleep(timeoutMs, undefined, { signal: timer.signal, ref: false }).catch(() => undefined);
    await Promise.race([ended, timeout]);
    timer.abort();
  }

  private async drainOutbox(): Promise<void> {
    const { signal } = this.stopped;
    while (!signal.aborted) {
      const count = await this.outbox
        .drain(BATCH_SIZE, (event) => this.addMessage(this.toMessage(event)))
        .catch((error: Error) => {
          if (!signal.aborted) this.onError(error);
          return 0;
        });
      if (count < BATCH_SIZE) await sleep(POLL_INTERVAL_MS, undefined, { signal }).catch(() => undefined);
    }
  }

  private toMessage({ event, at, record }: OutboxEvent): WebhookMessage {
    return {
      id: `msg_${record.id.replaceAll("-", "")}_${String(record.revision).padStart(8, "0")}`,
      event,
      job: record.id,
      owner: record.owner,
      url: record.webhook?.url ?? "",
      body: JSON.stringify({ type: event, timestamp: at.toISOString(), data: this.settings.view(record) }),
      traceparent: record.traceparent,
    };
  }

  private async addMessage(message: WebhookMessage): Promise<void> {
    for (const { id, event, job } of await this.queue.add(message)) {
      const error = "Given up: too many messages wait for their receiver";
      const at = new Date().toISOString();
      const delivery = {
        id,
        event,
        attempt: 1,
        at,
        status: null,
        duration_ms: 0,
        error,
        next_attempt_at: null,
      };
      await this.records.appendDelivery(job, delivery);
      await incrementCounter(this.redis, this.keys, "webhook:exhausted");
      this.settings.logger.warn({ job_id: job, message_id: id, event }, "webhook message given up");
    }
  }

  private async attempt(message: WebhookMessage, previousAttempts: number): Promise<AttemptOutcome> {
    const at = new Date();
    const secrets = (await this.secrets.get(message.owner, at)).map(({ secret }) => secret);
    const headers = {
      ...signedHeaders(message, secrets, at),
      ...(message.traceparent !== null && { traceparent: message.traceparent }),
    };
    const response = await postJson(message.url, this.settings.urlPolicy, headers, message.body);
    const outcome = outcomeOf(response, previousAttempts);
    const delivery = toDelivery(message, response, outcome, previousAttempts, at);
    await this.records.appendDelivery(message.job, delivery);
    await incrementCounter(this.redis, this.keys, `webhook:${outcome.type}`);
    const { event, attempt, status, duration_ms: ms, error } = delivery;
    const trace_id = parseTraceparent(message.traceparent)?.traceId;
    this.settings.logger.info(
      { job_id: message.job, message_id: message.id, event, attempt, status, ms, trace_id },
      error === null ? "webhook delivered" : `webhook not delivered: ${error}`,
    );
    return outcome;
  }
}

function outcomeOf({ status, error, retryAfter }: PostOutcome, previousAttempts: number): AttemptOutcome {
  if (error === null) return { type: "delivered" };
  const delay = RETRY_DELAYS_SECONDS[previousAttempts];
  if (status === GONE || delay === undefined) return { type: "exhausted" };
  // Jitter: a receiver that comes back does not get all messages at once.
  const jittered = delay * (0.9 + 0.2 * Math.random());
  const seconds = Math.min(MAX_DELAY_SECONDS, Math.max(jittered, retryAfter ?? 0));
  return { type: "retry", delayMs: Math.round(seconds * 1000) };
}

function toDelivery(
  { id, event }: WebhookMessage,
  { status, duration_ms, error }: PostOutcome,
  outcome: AttemptOutcome,
  previousAttempts: number,
  at: Date,
): Delivery {
  const next_attempt_at =
    outcome.type === "retry" ? new Date(at.getTime() + duration_ms + outcome.delayMs).toISOString() : null;
  return {
    id,
    event,
    attempt: previousAttempts + 1,
    at: at.toISOString(),
    status,
    duration_ms,
    error,
    next_attempt_at,
  };
}
