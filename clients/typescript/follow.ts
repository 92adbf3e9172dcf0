import type { ApiClient } from "./client.ts";
import { type EventSettings, type JobEvent, jobEvents, type Preview } from "./events.ts";
import { unwrap } from "./problem-error.ts";
import type { Job } from "./types.ts";

/** A job as it is now, and the newest preview there is. */
export interface JobUpdate {
  job: Job;
  preview: Preview | null;
}

/** Events say nothing of the queue's movement: a waiting job is looked at so often. */
const QUEUE_POLL_MS = 3_000;

export function isFinal({ status }: Job): boolean {
  return status !== "queued" && status !== "running";
}

/** A job's states from now on; the last is that of the job that has ended, with its result. */
export async function* followJob(
  api: ApiClient,
  id: string,
  settings: EventSettings = {},
): AsyncGenerator<JobUpdate> {
  const look = () =>
    unwrap(
      api.GET("/v1/jobs/{id}", {
        params: { path: { id } },
        ...(settings.signal && { signal: settings.signal }),
      }),
    );
  let update: JobUpdate = { job: await look(), preview: null };
  yield update;
  if (isFinal(update.job)) return;
  const stop = new AbortController();
  const signal = settings.signal ? AbortSignal.any([settings.signal, stop.signal]) : stop.signal;
  const events = jobEvents(api, id, { ...settings, signal });
  try {
    let next = events.next();
    for (;;) {
      const heard = await (update.job.status === "queued" ? withinPoll(next) : next);
      if (heard === "nothing") {
        // Out of reach just now: the event stream sees to that.
        update = { ...update, job: await look().catch(() => update.job) };
        yield update;
        if (isFinal(update.job)) return;
        continue;
      }
      if (heard.done || heard.value.type === "end") break;
      update = updated(update, heard.value);
      yield update;
      next = events.next();
    }
    yield { ...update, job: await look() };
  } finally {
    stop.abort();
    // What the stream holds, a connection and a timer, goes at once.
    events.return(undefined).catch(() => undefined);
  }
}

function updated(update: JobUpdate, event: Exclude<JobEvent, { type: "end" }>): JobUpdate {
  const { job } = update;
  if (event.type === "status") return { ...update, job: event.job };
  if (event.type === "progress") {
    return { ...update, job: { ...job, status: "running", queue: null, progress: event.progress } };
  }
  if (event.type === "steered") {
    return { ...update, job: { ...job, steered: event.steered, options: event.options } };
  }
  const { preview } = event;
  return { job: { ...job, links: { ...job.links, preview: preview.href } }, preview };
}

async function withinPoll<Value>(next: Promise<Value>): Promise<Value | "nothing"> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const nothing = new Promise<"nothing">((resolve) => {
    timer = setTimeout(() => resolve("nothing"), QUEUE_POLL_MS);
  });
  return await Promise.race([next, nothing]).finally(() => clearTimeout(timer));
}
