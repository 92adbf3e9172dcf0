import type { Job } from "../../clients/typescript/index.ts";
import { ago, duration, spoken } from "../words.ts";

/** Like the label beside a picture in a museum: what it is, how and when it was made. */
export function WallLabel({ job }: { job: Job }) {
  const { content, styles } = job.metadata;
  const name = typeof content === "string" && content !== "" ? spoken(content) : "Untitled";
  const manner = typeof styles === "string" && styles !== "" ? styles : null;
  const { size, steps, preset } = job.options;
  const { started_at, finished_at } = job;
  const took =
    started_at && finished_at ? duration((Date.parse(finished_at) - Date.parse(started_at)) / 1000) : null;
  const scale = job.progress?.scale;
  const measure = job.status === "succeeded" && scale ? `${scale.width} × ${scale.height}` : `${size}`;
  return (
    <header class="label">
      <h1>
        <em>{name}</em>
        {manner && <span class="manner">in {manner}</span>}
      </h1>
      <p>
        {spoken(preset)}, {measure} px, {steps} steps{took && `, ${took}`}
      </p>
      <p class="soft">
        <time dateTime={job.created_at}>{ago(job.created_at)}</time>
      </p>
    </header>
  );
}
