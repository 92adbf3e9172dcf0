import { setTimeout as sleep } from "node:timers/promises";
import type { JobView } from "../../contract/job.ts";
import type { JobRecord } from "../../jobs/records/job-record.ts";
import { isFinal } from "../../jobs/records/job-states.ts";
import type { FeedState, JobFeeds } from "./job-feeds.ts";

/** When clients reconnect after the service has ended the stream: another process has started by then. */
export const RECONNECT_MS = 1_000;

export interface EventSettings {
  /** The last revision that the client has received; 0 for none. */
  since: number;
  heartbeatMs: number;
  /** Aborted when the client disconnects or the service stops. */
  signal: AbortSignal;
  /** Whether the client may still read the job. Asked with each heartbeat, and as often if there are many events. */
  isAllowed: () => Promise<boolean>;
}

/**
 * Yields a job's changes as server-sent events (WHATWG HTML, section 9.2) until it ends.
 *
 * Each event holds the state at the time it is sent, and its id is the record's revision. A client that reads slowly, or
 * reconnects with `Last-Event-ID`, gets the latest state and misses only outdated ones.
 */
export async function* jobEvents(
  feeds: JobFeeds,
  id: string,
  { since, heartbeatMs, signal, isAllowed }: EventSettings,
): AsyncGenerator<string> {
  const changed = new Signal();
  let latest: FeedState | Error | null = null;
  const unfollow = feeds.follow(id, (state) => {
    latest = state;
    changed.set();
  });
  const onAbort = () => changed.set();
  signal.addEventListener("abort", onAbort, { once: true });
  let previous: JobRecord | null = null;
  let revision = since;
  let checkedAt = performance.now();
  try {
    while (!signal.aborted) {
      const wasChanged = await changed.wait(heartbeatMs);
      if (!wasChanged || performance.now() - checkedAt >= heartbeatMs) {
        checkedAt = performance.now();
        if (!(await isAllowed())) return;
      }
      if (!wasChanged) {
        yield ": heartbeat\n\n";
        continue;
      }
      const state = latest as FeedState | Error | null;
      if (state instanceof Error) throw state;
      if (state === null || signal.aborted) continue;
      const { record, view } = state;
      if (!record) {
        yield formatEvent("end", revision, { reason: "deleted" });
        return;
      }
      if (record.revision > revision) {
        for (const [name, data] of await changes(previous, record, view)) {
          yield formatEvent(name, record.revision, data);
        }
        revision = record.revision;
      }
      previous = record;
      if (isFinal(record.status)) {
        yield formatEvent("end", revision, { reason: record.status });
        return;
      }
    }
    yield `retry: ${RECONNECT_MS}\n\n`;
  } finally {
    signal.removeEventListener("abort", onAbort);
    unfollow();
  }
}

type Change = [name: string, data: unknown];

async function changes(
  before: JobRecord | null,
  now: JobRecord,
  view: () => Promise<JobView>,
): Promise<Change[]> {
  const found: Change[] = [];
  if (before?.status !== now.status || before.attempts !== now.attempts) found.push(["status", await view()]);
  if (before && before.options_version !== now.options_version) {
    found.push(["options", { options_version: now.options_version, options: now.options }]);
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

function formatEvent(name: string, id: number, data: unknown): string {
  return `event: ${name}\nid: ${id}\ndata: ${JSON.stringify(data)}\n\n`;
}

/** Stays set until somebody has waited for it, so that no change between two waits is lost. */
class Signal {
  private isSet = false;
  private wake: () => void = () => undefined;

  set(): void {
    this.isSet = true;
    this.wake();
  }

  /** Resets the signal. Returns whether it was set within the timeout. */
  async wait(timeoutMs: number): Promise<boolean> {
    if (!this.isSet) {
      const timer = new AbortController();
      const woken = new Promise<void>((resolve) => {
        this.wake = resolve;
      });
      await Promise.race([
        woken,
        sleep(timeoutMs, undefined, { signal: timer.signal }).catch(() => undefined),
      ]);
      timer.abort();
    }
    const { isSet } = this;
    this.isSet = false;
    return isSet;
  }
}
