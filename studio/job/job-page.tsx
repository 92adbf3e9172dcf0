import { useEffect, useState } from "preact/hooks";
import { isFinal, type Job, type Presets } from "../../clients/typescript/index.ts";
import type { Draft } from "../draft.ts";
import { useShared } from "../painter-context.ts";
import { TroubleNote } from "../parts/trouble-note.tsx";
import { useAttempt } from "../parts/use-attempt.ts";
import { usePicture } from "../parts/use-picture.ts";
import { Actions } from "./actions.tsx";
import { GoOn } from "./go-on.tsx";
import { LossCurve } from "./loss-curve.tsx";
import { ProgressPanel } from "./progress-panel.tsx";
import { Stage } from "./stage.tsx";
import { Steering } from "./steering.tsx";
import { useAnnouncements } from "./use-announcements.ts";
import { useJob } from "./use-job.ts";
import { WallLabel } from "./wall-label.tsx";

interface Props {
  id: string;
  presets: Presets | null;
  onRepaint: (draft: Partial<Draft>) => void;
}

/** One job: watched while it runs, looked at when it is done. */
export function JobPage({ id, presets, onRepaint }: Props) {
  const { painter } = useShared();
  const [again, setAgain] = useState(0);
  const [{ job, preview, connected, error }, setJob] = useJob(id, again);
  const { attempt, trouble } = useAttempt();
  const lookAgain = () => setAgain((count) => count + 1);
  const act = (action: () => Promise<Job>) =>
    attempt(async () => {
      setJob(await action());
      lookAgain();
    });
  useAnnouncements(job);
  const content = usePicture(job?.links.content);
  const latest = usePicture(job?.links.preview, preview?.step ?? 0);
  const result = usePicture(job?.links.result);
  useEffect(() => {
    document.title = titleOf(job);
    return () => {
      document.title = "nst studio";
    };
  }, [job]);

  if (!job) {
    return error === null ? (
      <p class="loading" role="status">
        Fetching the job…
      </p>
    ) : (
      <div class="nothing">
        <TroubleNote error={error} onRetry={lookAgain} />
        <p>
          <a href="#/">Start a new painting</a>
        </p>
      </div>
    );
  }
  return (
    <article class={`job ${job.status}`}>
      <Stage job={job} content={content.url} latest={latest.url} result={result.url} />
      <div class="side">
        <WallLabel job={job} />
        {!connected && (
          <p class="lost" role="status">
            The connection is lost; trying again. The job goes on meanwhile.
          </p>
        )}
        {error !== null && <TroubleNote error={error} onRetry={lookAgain} />}
        {trouble !== null && <TroubleNote error={trouble} />}
        <ProgressPanel
          job={job}
          onCancel={() => act(() => painter.cancel(id))}
          onRetry={() => act(() => painter.retry(id))}
        />
        {job.status === "running" && <Steering job={job} presets={presets} onJob={setJob} />}
        {isFinal(job) && (
          <Actions job={job} result={result.blob} content={content.blob} onRepaint={onRepaint} />
        )}
        {job.status === "succeeded" && result.blob && <GoOn job={job} presets={presets} />}
        <LossCurve job={job} />
      </div>
    </article>
  );
}

function titleOf(job: Job | null): string {
  if (job?.status === "running") return `${Math.floor(100 * (job.progress?.fraction ?? 0))} % – nst studio`;
  if (job?.status === "queued") return "Waiting – nst studio";
  return job?.status === "succeeded" ? "Painted – nst studio" : "nst studio";
}
