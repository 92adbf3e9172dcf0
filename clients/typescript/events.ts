import { createParser } from "eventsource-parser";
import type { ApiClient } from "./client.ts";
import { pause } from "./pause.ts";
import { ProblemError } from "./problem-error.ts";
import type { Job } from "./types.ts";

export type Progress = NonNullable<Job["progress"]>;

/** A new intermediate picture; `href` is the path to fetch it from. */
export interface Preview {
  step: number;
  width: number;
  height: number;
  href: string;
}

/** What the service tells of a job, as it happens. */
export type JobEvent =
  | { type: "status"; job: Job }
  | { type: "progress"; progress: Progress }
  | { type: "preview"; preview: Preview }
  /** Its options were changed, whoever did it: how often by now, and what they are since. */
  | { type: "steered"; steered: number; options: Job["options"] }
  | { type: "end"; reason: string };

export interface EventSettings {
  signal?: AbortSignal | undefined;
  /** Told when the stream is lost, and when it is there again. */
  onConnection?: ((connected: boolean) => void) | undefined;
  /** How long the service may be out of reach before its error is thrown; without limit if not given. */
  patienceMs?: number | undefined;
  /** A stream that says nothing for so long is taken as lost: the service's heartbeat comes every 15 s. */
  silenceMs?: number | undefined;
}

const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 15_000;
const SILENCE_MS = 60_000;

/**
 * A job's events until it has ended. A lost connection is made again, and goes on where it was (`Last-Event-ID`).
 * Throws a `ProblemError` where the service refuses, the signal's reason where it is aborted.
 */
export async function* jobEvents(
  api: ApiClient,
  id: string,
  settings: EventSettings = {},
): AsyncGenerator<JobEvent> {
  const { signal, onConnection, patienceMs = Number.POSITIVE_INFINITY } = settings;
  let lastEventId = "";
  let lost = 0;
  let lostSince = 0;
  for (;;) {
    try {
      for await (const event of oneStream(api, id, lastEventId, settings)) {
        if (lost > 0) onConnection?.(true);
        lost = 0;
        if (event === "open") continue;
        lastEventId = event.id ?? lastEventId;
        yield event.event;
        if (event.event.type === "end") return;
      }
    } catch (error) {
      signal?.throwIfAborted();
      if (error instanceof ProblemError && error.problem !== null && !error.retryable) throw error;
      if (lost > 0 && Date.now() - lostSince > patienceMs) throw error;
    }
    if (lost === 0) {
      lostSince = Date.now();
      onConnection?.(false);
    }
    await pause(Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** lost), signal);
    lost += 1;
  }
}

interface NumberedEvent {
  id: string | undefined;
  event: JobEvent;
}

/** One connection's events. */
async function* oneStream(
  api: ApiClient,
  id: string,
  lastEventId: string,
  { signal, silenceMs = SILENCE_MS }: EventSettings,
): AsyncGenerator<NumberedEvent | "open"> {
  const silence = new AbortController();
  const startTimer = () => setTimeout(() => silence.abort(new Error("the service says nothing")), silenceMs);
  let timer = startTimer();
  try {
    const { response, error } = await api.GET("/v1/jobs/{id}/events", {
      params: { path: { id }, ...(lastEventId !== "" && { header: { "last-event-id": lastEventId } }) },
      parseAs: "stream",
      cache: "no-store",
      signal: signal ? AbortSignal.any([signal, silence.signal]) : silence.signal,
    });
    if (!response.ok) throw new ProblemError(response, error);
    if (response.status === 204) {
      // The job has ended, and this client was told so before.
      yield { id: undefined, event: { type: "end", reason: "known" } };
      return;
    }
    yield "open";
    const events: NumberedEvent[] = [];
    const parser = createParser({
      onEvent: ({ event, data, id: number }) => {
        const parsed = parseEvent(event, data);
        if (parsed) events.push({ id: number, event: parsed });
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
    silence.abort();
  }
}

/** null for an event that this client does not know: newer services may tell more. */
function parseEvent(name: string | undefined, data: string): JobEvent | null {
  const value = JSON.parse(data);
  switch (name) {
    case "status":
      return { type: "status", job: value };
    case "progress":
      return { type: "progress", progress: value };
    case "preview":
      return { type: "preview", preview: value };
    case "steered":
      return { type: "steered", steered: value.steered, options: value.options };
    case "end":
      return { type: "end", reason: value.reason };
    default:
      return null;
  }
}
