import type { Redis } from "ioredis";
import { available } from "./available.ts";
import type { Ahead, Dispatch } from "./dispatch/dispatch.ts";
import { gather } from "./dispatch/gather.ts";
import { type Place, placeOf } from "./dispatch/places.ts";
import type { QueueKeys } from "./keys.ts";
import type { JobRecord } from "./records/job-record.ts";
import { RecordCache } from "./records/record-cache.ts";
import type { RecordStore } from "./records/record-store.ts";
import { findWorkers, type WorkerDescription } from "./worker/worker-registry.ts";

const CACHED_RECORDS = 2_000;
/** Workers tell how they are every four seconds. */
const WORKERS_KNOWN_MS = 1_000;

/** A job as it is now. */
export interface Seen {
  /** May be shared and must not be changed. */
  record: JobRecord;
  /** null where it does not wait. */
  place: Place | null;
}

/** Looks at jobs for clients that ask again and again: one exchange for many, and nothing read twice that is known. */
export class Looks {
  private readonly cache = new RecordCache(CACHED_RECORDS);
  private known: { at: number; workers: Promise<WorkerDescription[]> } | null = null;

  /** A job as it is now, or null where there is none. Rejects with `QueueUnavailableError` while Redis cannot be reached. */
  readonly at = gather((ids) => available(() => this.atAll(ids)));

  constructor(
    private readonly redis: Redis,
    private readonly keys: QueueKeys,
    private readonly records: RecordStore,
    private readonly dispatch: Dispatch,
  ) {}

  private async atAll(ids: string[]): Promise<(Seen | null | Promise<Seen | null>)[]> {
    const all = await this.dispatch.ahead(ids);
    const ready = all.some(({ position }) => position !== null) ? await this.readyWorkers() : [];
    return ids.map((id, index) => {
      const ahead = all[index];
      if (ahead === undefined || ahead.revision === 0) return null;
      const record = this.cache.get(id, ahead.revision);
      return record ? { record, place: placeOf(record, ahead, ready) } : this.read(id, ahead, ready);
    });
  }

  private read(id: string, ahead: Ahead, ready: WorkerDescription[]): Promise<Seen | null> {
    return available(async () => {
      const record = await this.records.find(id);
      if (!record) return null;
      this.cache.put(record);
      return { record, place: placeOf(record, ahead, ready) };
    });
  }

  /** The workers that can paint, as they were a moment ago. */
  private readyWorkers(): Promise<WorkerDescription[]> {
    const now = Date.now();
    if (this.known && now - this.known.at < WORKERS_KNOWN_MS) return this.known.workers;
    const workers = findWorkers(this.redis, this.keys).then((all) => all.filter(({ ready }) => ready));
    this.known = { at: now, workers };
    workers.catch(() => {
      this.known = null;
    });
    return workers;
  }
}
