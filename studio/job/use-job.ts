import { useEffect, useState } from "preact/hooks";
import type { Job, Preview } from "../../clients/typescript/index.ts";
import { useShared } from "../painter-context.ts";

export interface Watched {
  job: Job | null;
  preview: Preview | null;
  connected: boolean;
  error: unknown;
}

const NOTHING: Watched = { job: null, preview: null, connected: true, error: null };

/** A job as it goes on; `again` changes to look at it anew. */
export function useJob(id: string, again: number): [Watched, (job: Job) => void] {
  const { painter } = useShared();
  const [watched, setWatched] = useState(NOTHING);
  // `again` asks for another look
  useEffect(() => {
    const gone = new AbortController();
    const onConnection = (connected: boolean) => setWatched((before) => ({ ...before, connected }));
    const follow = async () => {
      for await (const update of painter.follow(id, { signal: gone.signal, onConnection })) {
        setWatched((before) => ({
          job: withLatestOptions(before.job, update.job),
          preview: update.preview ?? before.preview,
          connected: true,
          error: null,
        }));
      }
    };
    follow().catch((error) => {
      if (!gone.signal.aborted) setWatched((before) => ({ ...before, error }));
    });
    return () => gone.abort();
  }, [painter, id, again]);
  return [watched, (job) => setWatched((before) => ({ ...before, job }))];
}

/** Progress says nothing of weights: those that were set by hand since then stay. */
function withLatestOptions(before: Job | null, now: Job): Job {
  if (!before || before.options_version <= now.options_version) return now;
  return { ...now, options: before.options, options_version: before.options_version };
}
