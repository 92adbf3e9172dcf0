import type { Redis } from "ioredis";
import type { WebhookEvent } from "../../contract/webhook.ts";
import type { RedisKeys } from "../../redis/keys.ts";
import { decodeRecord, type JobRecord } from "./job-record.ts";

/** A change of a job's status that its webhook subscribes to. */
export interface OutboxEvent {
  event: WebhookEvent;
  at: Date;
  /** The job right after the change. */
  record: JobRecord;
}

interface Entry {
  event: WebhookEvent;
  /** In ms. */
  at: number;
  /** The record's hash, as name and JSON text in turn. */
  fields: string[];
}

/**
 * Events that have not been handed to webhook delivery yet. The script that changes a job adds its event in the same step, so
 * neither exists without the other.
 */
export class Outbox {
  constructor(
    private readonly redis: Redis,
    private readonly keys: RedisKeys,
  ) {}

  /**
   * Passes the oldest events to `handle`, one after the other, and removes each of them. Returns how many it removed.
   * An event that cannot be read is removed too, so that it does not hold up the others; its error is thrown at the end.
   */
  async drain(limit: number, handle: (event: OutboxEvent) => Promise<void>): Promise<number> {
    const entries = await this.redis.lrange(this.keys.outbox, 0, limit - 1);
    let firstError: unknown;
    for (const entry of entries) {
      let event: OutboxEvent | null = null;
      try {
        event = decodeEvent(entry);
      } catch (error) {
        firstError ??= error;
      }
      if (event) await handle(event);
      await this.redis.lrem(this.keys.outbox, 1, entry);
    }
    if (firstError !== undefined) throw firstError;
    return entries.length;
  }

  /** When the oldest event happened; null if there is none. */
  async oldest(): Promise<Date | null> {
    const entry = await this.redis.lindex(this.keys.outbox, 0);
    return entry === null ? null : new Date((JSON.parse(entry) as Entry).at);
  }
}

function decodeEvent(entry: string): OutboxEvent | null {
  const { event, at, fields } = JSON.parse(entry) as Entry;
  const pairs = Array.from({ length: fields.length / 2 }, (_, index) =>
    fields.slice(2 * index, 2 * index + 2),
  );
  const record = decodeRecord(Object.fromEntries(pairs));
  return record && { event, at: new Date(at), record };
}
