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
  ATTEMPT_PAUSES_SECONDS,
  type AttemptEnd,
  type WebhookMessage,
  WebhookQueue,
  WebhookWorker,
} from "./delivery-queue.ts";
import { type PostOutcome, postJson } from "./post-json.ts";
import { signedHeaders } from "./signature.ts";
import { WebhookSecrets } from "./webhook-secrets.ts";

const POLL_INTERVAL_MS = 500;
const BATCH_SIZE = 100;
/** Standard Webhooks: the receiver wants no more attempts. */
const GONE = 410;
const MAX_PAUSE_SECONDS = 24 * 3600;

export interface WebhookSettings {
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
  private readonly queue: WebhookQueue;
  private readonly worker: WebhookWorker;
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
    this.queue = new WebhookQueue(redis, keys);
    this.records = new RecordStore(redis, keys);
    this.secrets = new WebhookSecrets(redis, keys);
    this.worker = new WebhookWorker(
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
        .drain(BATCH_SIZE, (event) => this.queue.add(this.toMessage(event)))
        .catch((error: Error) => {
          if (!signal.aborted) this.onError(error);
          return 0;
        });
      if (count < BATCH_SIZE) await sleep(POLL_INTERVAL_MS, undefined, { signal }).catch(() => undefined);
    }
  }

  private toMessage({ event, at, record }: OutboxEvent): WebhookMessage {
    return {
      id: `msg_${record.id.replaceAll("-", "")}_${record.revision}`,
      event,
      job: record.id,
      owner: record.owner,
      url: record.webhook?.url ?? "",
      body: JSON.stringify({ type: event, timestamp: at.toISOString(), data: this.settings.view(record) }),
      traceparent: record.traceparent,
    };
  }

  private async attempt(message: WebhookMessage, previousAttempts: number): Promise<AttemptEnd> {
    const at = new Date();
    const secrets = (await this.secrets.get(message.owner, at)).map(({ secret }) => secret);
    const headers = {
      ...signedHeaders(message, secrets, at),
      ...(message.traceparent !== null && { traceparent: message.traceparent }),
    };
    const outcome = await postJson(message.url, this.settings.urlPolicy, headers, message.body);
    const end = endOfAttempt(outcome, previousAttempts);
    await this.records.addDelivery(message.job, toDelivery(message, outcome, end, previousAttempts, at));
    await incrementCounter(this.redis, this.keys, `webhook:${end.type}`);
    const { status, duration_ms, error } = outcome;
    this.settings.logger.info(
      {
        ...{
          job_id: message.job,
          message_id: message.id,
          event: message.event,
          attempt: previousAttempts + 1,
        },
        ...{ status, ms: duration_ms, trace_id: parseTraceparent(message.traceparent)?.traceId },
      },
      error === null ? "webhook delivered" : `webhook not delivered: ${error}`,
    );
    return end;
  }
}

function endOfAttempt({ status, error, retryAfter }: PostOutcome, previousAttempts: number): AttemptEnd {
  if (error === null) return { type: "delivered" };
  const pause = ATTEMPT_PAUSES_SECONDS[previousAttempts];
  if (status === GONE || pause === undefined) return { type: "given_up" };
  // Jitter: a receiver that comes back does not get all messages at once.
  const jittered = pause * (0.9 + 0.2 * Math.random());
  const seconds = Math.min(MAX_PAUSE_SECONDS, Math.max(jittered, retryAfter ?? 0));
  return { type: "again", ms: Math.round(seconds * 1000) };
}

function toDelivery(
  { id, event }: WebhookMessage,
  { status, duration_ms, error }: PostOutcome,
  end: AttemptEnd,
  previousAttempts: number,
  at: Date,
): Delivery {
  const next_attempt_at =
    end.type === "again" ? new Date(at.getTime() + duration_ms + end.ms).toISOString() : null;
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
