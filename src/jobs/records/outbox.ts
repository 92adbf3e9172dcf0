import type { Redis } from "ioredis";
import type { WebhookEvent } from "../../contract/webhook.ts";
import type { RedisKeys } from "../../redis/keys.ts";
import { decodeRecord, type JobRecord } from "./job-record.ts";

/** Something that happened to a job whose webhook asked to be told. */
export interface OutboxEvent {
  event: WebhookEvent;
  at: Date;
  /** The job as it was right afterwards. */
  record: JobRecord;
}

interface Entry {
  event: WebhookEvent;
  at: number;
  /** The hash as Redis gives it: names and values in turn. */
  fields: string[];
}

/**
 * Events that are still to be handed on. The script that changes a job puts them in, so that a change and the word of
 * it are one step; they are taken out when whoever delivers them has them.
 */
export class Outbox {
  constructor(
    private readonly redis: Redis,
    private readonly keys: RedisKeys,
  ) {}

  /**
   * Passes the oldest events to `take`, one after the other, and removes each of them. Returns how many it removed.
   * An event that cannot be read is removed too, so that it does not hold up the others; its error is thrown at the end.
   */
  async drain(limit: number, take: (event: OutboxEvent) => Promise<void>): Promise<number> {
    const entries = await this.redis.lrange(this.keys.outbox, 0, limit - 1);
    let unreadable: unknown;
    for (const entry of entries) {
      let event: OutboxEvent | null = null;
      try {
        event = decodeEvent(entry);
      } catch (error) {
        unreadable ??= error;
      }
      if (event) await take(event);
      await this.redis.lrem(this.keys.outbox, 1, entry);
    }
    if (unreadable !== undefined) throw unreadable;
    return entries.length;
  }

  /** When the oldest of them happened; null where there is none. */
  async oldest(): Promise<Date | null> {
    const entry = await this.redis.lindex(this.keys.outbox, 0);
    return entry === null ? null : new Date((JSON.parse(entry) as Entry).at);
  }
}

/** null where there is no job to tell of. */
function decodeEvent(entry: string): OutboxEvent | null {
  const { event, at, fields } = JSON.parse(entry) as Entry;
  const record = decodeRecord(asHash(fields));
  return record && { event, at: new Date(at), record };
}

function asHash(fields: string[]): Record<string, string> {
  return Object.fromEntries(
    Array.from({ length: fields.length / 2 }, (_, index) => [fields[2 * index], fields[2 * index + 1]]),
  );
}
