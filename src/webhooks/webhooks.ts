import { setTimeout as sleep } from "node:timers/promises";
import type { Redis } from "ioredis";
import type { JobView } from "../contract/job.ts";
import type { Delivery } from "../contract/webhook.ts";
import type { Logger } from "../logging.ts";
import type { Guard } from "../net/guarded-request.ts";
import type { QueueKeys } from "../queue/keys.ts";
import { logQueueErrors } from "../queue/outages.ts";
import type { JobRecord } from "../queue/records/job-record.ts";
import { RecordStore } from "../queue/records/record-store.ts";
import { tally } from "../queue/tallies.ts";
import { Outbox, type OutboxEvent } from "../queue/webhooks/outbox.ts";
import {
  ATTEMPT_PAUSES_SECONDS,
  type AttemptEnd,
  type WebhookMessage,
  WebhookQueue,
  WebhookWorker,
} from "../queue/webhooks/webhook-queue.ts";
import { parseTraceparent } from "../trace-context.ts";
import { type PostOutcome, postJson } from "./post.ts";
import { signedHeaders } from "./signature.ts";
import { WebhookSecrets } from "./webhook-secrets.ts";

const DRAIN_PAUSE_MS = 500;
const DRAINED_AT_ONCE = 100;
/** Standard Webhooks: the receiver wants no more of it. */
const GONE = 410;
const LONGEST_PAUSE_SECONDS = 24 * 3600;

export interface WebhookSettings {
  guard: Guard;
  view: (record: JobRecord) => JobView;
  logger: Logger;
}

/**
 * Tells of what happens to jobs: takes events out of the outbox, and sends each at least once, until the receiver has
 * it or 27 hours are over. Any number of processes may do so at once.
 */
export class Webhooks {
  private readonly outbox: Outbox;
  private readonly queue: WebhookQueue;
  private readonly worker: WebhookWorker;
  private readonly records: RecordStore;
  private readonly secrets: WebhookSecrets;
  private readonly stopped = new AbortController();
  private readonly onError: (error: Error) => void;
  private draining: Promise<void> | null = null;

  /** @param redis a connection made by `connectForWork`, which is closed by its owner after `stop` */
  constructor(
    private readonly redis: Redis,
    private readonly keys: QueueKeys,
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
      (message, before) => this.attempt(message, before),
      this.onError,
    );
  }

  start(): void {
    this.worker.start();
    this.draining = this.drain();
  }

  /**
   * Resolves when no attempt is under way any more, or after `withinMs`: what is not through by then is sent again by
   * another process, or at the next start.
   */
  async stop(withinMs: number): Promise<void> {
    this.stopped.abort();
    const ended = Promise.all([this.draining, this.worker.close(), this.queue.close()]);
    const timeout = new AbortController();
    const late = sleep(withinMs, undefined, { signal: timeout.signal, ref: false }).catch(() => undefined);
    await Promise.race([ended, late]);
    timeout.abort();
  }

  private async drain(): Promise<void> {
    const { signal } = this.stopped;
    while (!signal.aborted) {
      const count = await this.outbox
        .drain(DRAINED_AT_ONCE, (event) => this.queue.add(this.messageOf(event)))
        .catch((error: Error) => {
          if (!signal.aborted) this.onError(error);
          return 0;
        });
      if (count < DRAINED_AT_ONCE) await sleep(DRAIN_PAUSE_MS, undefined, { signal }).catch(() => undefined);
    }
  }

  private messageOf({ event, at, record }: OutboxEvent): WebhookMessage {
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

  private async attempt(message: WebhookMessage, before: number): Promise<AttemptEnd> {
    const at = new Date();
    const secrets = (await this.secrets.of(message.owner, at)).map(({ secret }) => secret);
    const headers = {
      ...signedHeaders(message, secrets, at),
      ...(message.traceparent !== null && { traceparent: message.traceparent }),
    };
    const outcome = await postJson(message.url, this.settings.guard, headers, message.body);
    const end = endOf(outcome, before);
    await this.records.addDelivery(message.job, deliveryOf(message, outcome, end, before, at));
    await tally(this.redis, this.keys, `webhook:${end.type}`);
    const { status, duration_ms, error } = outcome;
    this.settings.logger.info(
      {
        ...{ job_id: message.job, message_id: message.id, event: message.event, attempt: before + 1 },
        ...{ status, ms: duration_ms, trace_id: parseTraceparent(message.traceparent)?.traceId },
      },
      error === null ? "webhook delivered" : `webhook not delivered: ${error}`,
    );
    return end;
  }
}

function endOf({ status, error, retryAfter }: PostOutcome, before: number): AttemptEnd {
  if (error === null) return { type: "delivered" };
  const pause = ATTEMPT_PAUSES_SECONDS[before];
  if (status === GONE || pause === undefined) return { type: "given_up" };
  // Spread, so that a receiver that was away does not get all of it back at once.
  const spread = pause * (0.9 + 0.2 * Math.random());
  const seconds = Math.min(LONGEST_PAUSE_SECONDS, Math.max(spread, retryAfter ?? 0));
  return { type: "again", ms: Math.round(seconds * 1000) };
}

function deliveryOf(
  { id, event }: WebhookMessage,
  { status, duration_ms, error }: PostOutcome,
  end: AttemptEnd,
  before: number,
  at: Date,
): Delivery {
  const next_attempt_at =
    end.type === "again" ? new Date(at.getTime() + duration_ms + end.ms).toISOString() : null;
  return {
    id,
    event,
    attempt: before + 1,
    at: at.toISOString(),
    status,
    duration_ms,
    error,
    next_attempt_at,
  };
}
