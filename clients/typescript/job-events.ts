import { createParser } from "eventsource-parser";
import type { ApiClient } from "./api-client.ts";
import { delay } from "./delay.ts";
import { ProblemError } from "./problem-error.ts";
import type { CallSettings, Job, Progress } from "./types.ts";

/** An intermediate picture, to download from `href`. */
export interface Preview {
  step: number;
  width: number;
  height: number;
  href: string;
}

export type JobEvent =
  | { type: "status"; job: Job }
  | { type: "progress"; progress: Progress }
  | { type: "preview"; preview: Preview }
  /** Some client changed the options: the number of changes so far, and the options since. */
  | { type: "options"; options_version: number; options: Job["options"] }
  | { type: "end"; reason: string };

export interface EventSettings extends CallSettings {
  /** Called with false when the connection is lost, and with true when it is restored. */
  onConnection?: ((connected: boolean) => void) | undefined;
  /** Stops reconnecting after this time and throws the last error. Default: no limit. */
  reconnectTimeoutMs?: number | undefined;
  /** Reconnects if the stream sends nothing for this time. The service sends a heartbeat every 15 s. */
  idleTimeoutMs?: number | undefined;
}

const MIN_BACKOFF_MS = 500;
const MAX_BACKOFF_MS = 15_000;
const IDLE_TIMEOUT_MS = 60_000;

/**
 * Yields a job's events until the job ends. After a lost connection it resumes at the last event (`Last-Event-ID`).
 * Throws a `ProblemError` if the service rejects the request, and the signal's reason if the signal is aborted.
 */
export async function* jobEvents(
  api: ApiClient,
  id: string,
  settings: EventSettings = {},
): AsyncGenerator<JobEvent> {
  const { signal, onConnection, reconnectTimeoutMs = Number.POSITIVE_INFINITY } = settings;
  let lastEventId = "";
  let failures = 0;
  let disconnectedAt = 0;
  for (;;) {
    try {
      for await (const event of readStream(api, id, lastEventId, settings)) {
        if (failures > 0) onConnection?.(true);
        failures = 0;
        if (event === "open") continue;
        lastEventId = event.id ?? lastEventId;
        yield event.event;
        if (event.event.type === "end") return;
      }
    } catch (error) {
      signal?.throwIfAborted();
      if (error instanceof ProblemError && error.problem !== null && !error.retryable) throw error;
      if (failures > 0 && Date.now() - disconnectedAt > reconnectTimeoutMs) throw error;
    }
    if (failures === 0) {
      disconnectedAt = Date.now();
      onConnection?.(false);
    }
    await delay(Math.min(MAX_BACKOFF_MS, MIN_BACKOFF_MS * 2 ** failures), signal);
    failures += 1;
  }
}

interface NumberedEvent {
  id: string | undefined;
  event: JobEvent;
}

/** Yields the events of one connection. */
async function* readStream(
  api: ApiClient,
  id: string,
  lastEventId: string,
  { signal, idleTimeoutMs = IDLE_TIMEOUT_MS }: EventSettings,
): AsyncGenerator<NumberedEvent | "open"> {
  const idle = new AbortController();
  const startTimer = () =>
    setTimeout(
      () => idle.abort(new Error(`The event stream was silent for ${idleTimeoutMs} ms`)),
      idleTimeoutMs,
    );
  let timer = startTimer();
  try {
    const { response, error } = await api.GET("/v1/jobs/{id}/events", {
      params: { path: { id }, ...(lastEventId !== "" && { header: { "last-event-id": lastEventId } }) },
      parseAs: "stream",
      cache: "no-store",
      signal: signal ? AbortSignal.any([signal, idle.signal]) : idle.signal,
    });
    if (!response.ok) throw new ProblemError(response, error);
    if (response.status === 204) {
      // The job has ended, and this client has received all its events.
      yield { id: undefined, event: { type: "end", reason: "already_sent" } };
      return;
    }
    yield "open";
    const events: NumberedEvent[] = [];
    const parser = createParser({
      onEvent: ({ event, data, id: eventId }) => {
        const parsed = parseEvent(event, data);
        if (parsed) events.push({ id: eventId, event: parsed });
      },
    });
    const decoder = new TextDecoder();
    const reader = response.body?.getReader();
    for (let chunk = await reader?.read(); chunk && !chunk.done; chunk = await reader?.read()) {
      clearTimeout(timer);
      timer = startTimer();
      parser.feed(decoder.decode(chunk.value, { stream: true }));
      yield* events.splice(0);
    }
  } finally {
    clearTimeout(timer);
    idle.abort();
  }
}

/** Returns null for an unknown event: a newer service may send more types. */
function parseEvent(name: string | undefined, data: string): JobEvent | null {
  const value = JSON.parse(data);
  switch (name) {
    case "status":
      return { type: "status", job: value };
    case "progress":
      return { type: "progress", progress: value };
    case "preview":
      return { type: "preview", preview: value };
    case "options":
      return { type: "options", options_version: value.options_version, options: value.options };
    case "end":
      return { type: "end", reason: value.reason };
    default:
      return null;
  }
}
