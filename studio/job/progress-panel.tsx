import type { ComponentChildren } from "preact";
import type { Job } from "../../clients/typescript/index.ts";
import { duration, figure } from "../words.ts";

interface Props {
  job: Job;
  onCancel: () => void;
  onRetry: () => void;
}

/** How far the job is, and the button that stops it or starts it again. */
export function ProgressPanel({ job, onCancel, onRetry }: Props) {
  if (job.status === "succeeded") return null;
  if (job.status === "queued" || job.status === "running") {
    return (
      <section class="progress" aria-label="Progress">
        {job.status === "queued" ? <Waiting job={job} /> : <Painting job={job} />}
        <button type="button" onClick={onCancel}>
          Cancel
        </button>
      </section>
    );
  }
  const failed = job.status === "failed";
  return (
    <section class={`progress ended ${failed ? "trouble" : ""}`} aria-label="How it ended">
      <strong>{failed ? "The painting failed" : "Canceled"}</strong>
      <p>{failed ? (job.error?.message ?? "No reason is known.") : "Nothing more is painted."}</p>
      {failed && <p class="soft">{adviceFor(job)}</p>}
      <button type="button" onClick={onRetry}>
        Paint it again as it was
      </button>
    </section>
  );
}

function Waiting({ job }: { job: Job }) {
  const position = job.queue?.position;
  const eta = job.queue?.eta_seconds;
  return (
    <>
      <p class="big">
        {position === undefined ? "Waiting" : position === 0 ? "Next in line" : `${position} before it`}
      </p>
      <p class="soft">
        {eta ? `Begins in about ${duration(eta)}.` : "It begins as soon as a painter is free."}
      </p>
      <progress aria-label="Waiting to begin" />
    </>
  );
}

function Painting({ job: { progress } }: { job: Job }) {
  if (!progress) {
    return (
      <>
        <p class="big">Preparing</p>
        <p class="soft">The network looks at both pictures.</p>
        <progress aria-label="Preparing" />
      </>
    );
  }
  const { fraction, step, total_steps, scale, loss, eta_seconds } = progress;
  return (
    <>
      <p class="big">
        {Math.floor(100 * fraction)}
        <span class="unit"> %</span>
        {eta_seconds !== null && fraction < 1 && <span class="eta">{duration(eta_seconds)} left</span>}
      </p>
      <progress value={fraction} max="1" aria-label="Share of the painting that is done" />
      <dl>
        <Figure name="Step">
          {step} of {total_steps}
        </Figure>
        <Figure name="Size">
          {scale.width} × {scale.height}
          {scale.count > 1 && ` (${scale.index + 1} of ${scale.count})`}
        </Figure>
        {loss && <Figure name="Loss">{figure(loss.total)}</Figure>}
      </dl>
    </>
  );
}

function Figure({ name, children }: { name: string; children: ComponentChildren }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function adviceFor({ error }: Job): string {
  if (error?.code === "out_of_memory") return "Try again with a smaller size.";
  if (error?.code === "non_finite_loss") return "Try again with smaller weights or a smaller learning rate.";
  if (error?.retryable) return "It is not the pictures: the same job may well succeed now.";
  return "Try again with other options or another picture.";
}
