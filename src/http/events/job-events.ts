import { setTimeout as sleep } from "node:timers/promises";
import type { JobView } from "../../contract/job.ts";
import type { JobQueue } from "../../jobs/job-queue.ts";
import type { JobRecord } from "../../jobs/records/job-record.ts";
import { isFinal } from "../../jobs/records/job-states.ts";

/** Whoever follows a job comes again this soon after the service ended the stream: time for its successor to start. */
export const COME_AGAIN_MS = 1_000;

export interface EventSettings {
  /** The last revision that the client has seen; 0 for none. */
  since: number;
  heartbeatMs: number;
  /** Aborted when the client is gone or the service stops. */
  signal: AbortSignal;
  view: (record: JobRecord) => Promise<JobView>;
}

/**
 * A job's changes as server-sent events (WHATWG HTML, section 9.2), ready to be written, until it ends.
 *
 * An event is the state as it is when it is sent, and its id is the record's revision: a client that reads
 * slowly, or comes back with `Last-Event-ID`, gets the newest state and misses only what is out of date.
 */
export async function* jobEvents(
  queue: JobQueue,
  id: string,
  settings: EventSettings,
): AsyncGenerator<string> {
  const { heartbeatMs, signal, view } = settings;
  const bell = new Bell();
  const unwatch = await queue.watch(id, () => bell.ring());
  const wake = () => bell.ring();
  signal.addEventListener("abort", wake, { once: true });
  let known: JobRecord | null = null;
  let seen = settings.since;
  try {
    while (!signal.aborted) {
      const record = await queue.find(id);
      if (!record) {
        yield event("end", seen, { reason: "deleted" });
        return;
      }
      if (record.revision > seen) {
        for (const [name, data] of await changes(known, record, view))
          yield event(name, record.revision, data);
        seen = record.revision;
      }
      known = record;
      if (isFinal(record.status)) {
        yield event("end", seen, { reason: record.status });
        return;
      }
      // The heartbeat also looks again: a message may be lost while Redis is away.
      if (!(await bell.heard(heartbeatMs))) yield ": still here\n\n";
    }
    // The service stops, or the client is gone and does not hear it.
    yield `retry: ${COME_AGAIN_MS}\n\n`;
  } finally {
    signal.removeEventListener("abort", wake);
    await unwatch();
  }
}

type Change = [name: string, data: unknown];

async function changes(
  before: JobRecord | null,
  now: JobRecord,
  view: (record: JobRecord) => Promise<JobView>,
): Promise<Change[]> {
  const found: Change[] = [];
  if (before?.status !== now.status || before.attempts !== now.attempts)
    found.push(["status", await view(now)]);
  if (before && before.steered !== now.steered) {
    found.push(["steered", { steered: now.steered, options: now.options }]);
  }
  if (now.progress && JSON.stringify(before?.progress) !== JSON.stringify(now.progress)) {
    found.push(["progress", now.progress]);
  }
  if (now.preview && before?.preview?.step !== now.preview.step) {
    const { step, width, height } = now.preview;
    found.push(["preview", { step, width, height, href: `/v1/jobs/${now.id}/preview` }]);
  }
  return found;
}

function event(name: string, id: number, data: unknown): string {
  return `event: ${name}\nid: ${id}\ndata: ${JSON.stringify(data)}\n\n`;
}

/** Remembers that it was rung until somebody hears it. */
class Bell {
  private rung = false;
  private wake: () => void = () => undefined;

  ring(): void {
    this.rung = true;
    this.wake();
  }

  /** Whether it was rung, at the latest after `withinMs`. */
  async heard(withinMs: number): Promise<boolean> {
    if (!this.rung) {
      const timeout = new AbortController();
      const ring = new Promise<void>((resolve) => {
        this.wake = resolve;
      });
      await Promise.race([
        ring,
        sleep(withinMs, undefined, { signal: timeout.signal }).catch(() => undefined),
      ]);
      timeout.abort();
    }
    const { rung } = this;
    this.rung = false;
    return rung;
  }
}
