import type { ApiClient } from "./api-client.ts";
import { type EventSettings, type JobEvent, jobEvents, type Preview } from "./job-events.ts";
import { unwrap } from "./problem-error.ts";
import type { Job } from "./types.ts";

/** A job's current state and its newest preview. */
export interface JobUpdate {
  job: Job;
  preview: Preview | null;
}

/** No event reports a queued job's position, so the client polls for it. */
const QUEUE_POLL_MS = 3_000;

export function isFinal({ status }: Job): boolean {
  return status !== "queued" && status !== "running";
}

/** Yields the job now and after each change, until it ends. */
export async function* followJob(
  api: ApiClient,
  id: string,
  settings: EventSettings = {},
): AsyncGenerator<JobUpdate> {
  const fetchJob = () =>
    unwrap(
      api.GET("/v1/jobs/{id}", {
        params: { path: { id } },
        ...(settings.signal && { signal: settings.signal }),
      }),
    );
  let update: JobUpdate = { job: await fetchJob(), preview: null };
  yield update;
  if (isFinal(update.job)) return;
  const stop = new AbortController();
  const signal = settings.signal ? AbortSignal.any([settings.signal, stop.signal]) : stop.signal;
  const events = jobEvents(api, id, { ...settings, signal });
  try {
    let next = events.next();
    for (;;) {
      const event = await (update.job.status === "queued" ? withPollTimeout(next) : next);
      if (event === "timeout") {
        // If the service is unreachable, the event stream reconnects or throws.
        update = { ...update, job: await fetchJob().catch(() => update.job) };
        yield update;
        if (isFinal(update.job)) return;
        continue;
      }
      if (event.done || event.value.type === "end") break;
      update = applyEvent(update, event.value);
      yield update;
      next = events.next();
    }
    yield { ...update, job: await fetchJob() };
  } finally {
    stop.abort();
    // Closes the connection and clears the timer now, not at garbage collection.
    events.return(undefined).catch(() => undefined);
  }
}

function applyEvent(update: JobUpdate, event: Exclude<JobEvent, { type: "end" }>): JobUpdate {
  const { job } = update;
  if (event.type === "status") return { ...update, job: event.job };
  if (event.type === "progress") {
    return { ...update, job: { ...job, status: "running", queue: null, progress: event.progress } };
  }
  if (event.type === "options") {
    return { ...update, job: { ...job, options_version: event.options_version, options: event.options } };
  }
  const { preview } = event;
  return { job: { ...job, links: { ...job.links, preview: preview.href } }, preview };
}

async function withPollTimeout<Value>(next: Promise<Value>): Promise<Value | "timeout"> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const timeout = new Promise<"timeout">((resolve) => {
    timer = setTimeout(() => resolve("timeout"), QUEUE_POLL_MS);
  });
  return await Promise.race([next, timeout]).finally(() => clearTimeout(timer));
}
