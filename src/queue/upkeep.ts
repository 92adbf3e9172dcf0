import { available } from "./available.ts";
import type { Dispatch } from "./dispatch/dispatch.ts";
import { redispatch } from "./dispatch/redispatch.ts";
import { isDue, type JobRecord } from "./records/job-record.ts";
import { isFinal } from "./records/job-states.ts";
import type { RecordStore } from "./records/record-store.ts";

/** How long it is remembered that a job was there and its pictures have expired. */
export const REMEMBER_EXPIRED_MS = 24 * 3600_000;
const DUE_AT_ONCE = 100;

/**
 * What is done with jobs that nobody asked for: see src/housekeeping. Any number of processes may do so at once. Every
 * method rejects with `QueueUnavailableError` while Redis cannot be reached.
 */
export class Upkeep {
  constructor(
    private readonly records: RecordStore,
    private readonly dispatch: Dispatch,
  ) {}

  /** The time in ms by which jobs expire: Redis'. */
  now(): Promise<number> {
    return available(() => this.records.now());
  }

  /** Jobs whose pictures are to go now (`expired`), and jobs that are to be forgotten altogether (`forgotten`). */
  due(now: number): Promise<{ expired: JobRecord[]; forgotten: JobRecord[] }> {
    return available(async () => {
      const ids = await this.records.due(now, DUE_AT_ONCE);
      const records = (await Promise.all(ids.map((id) => this.records.find(id)))).filter(
        (one) => one !== null,
      );
      const isOver = (record: JobRecord) => isDue(record, now - REMEMBER_EXPIRED_MS);
      return { expired: records.filter((one) => !isOver(one)), forgotten: records.filter(isOver) };
    });
  }

  /**
   * Ends a job whose time is over; its record names no pictures any more, which may then be deleted. Gives false,
   * and changes nothing, where its time is not over, since it was retried just now.
   */
  expire(id: string, now: number): Promise<boolean> {
    return available(async () => {
      for (;;) {
        const record = await this.records.find(id);
        if (!record || !isDue(record, now)) return false;
        const { revision } = record;
        if (isFinal(record.status)) {
          if (await this.records.expire(id, now + REMEMBER_EXPIRED_MS, { revision })) return true;
        } else {
          const ended = { finished_at: new Date().toISOString(), run: null, checkpoint: null };
          const canceled = await this.records.transition(id, "cancel", ended, { revision });
          if (canceled) await this.dispatch.remove(record).catch(() => undefined);
        }
      }
    });
  }

  /** Fails a waiting job whose pictures are gone, unless it has changed. Gives whether it did. */
  failWithoutPictures({ id, revision }: JobRecord): Promise<boolean> {
    return available(async () => {
      const error = {
        code: "picture_missing" as const,
        message: "A picture of the job is not there any more",
      };
      const ended = { error, finished_at: new Date().toISOString(), run: null };
      return this.records.transition(id, "fail", ended, { revision });
    });
  }

  /** See `redispatch`. */
  redispatch(): Promise<number> {
    return available(() => redispatch(this.records, this.dispatch));
  }
}
