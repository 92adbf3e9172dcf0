import { useCallback, useEffect, useState } from "preact/hooks";
import type { Job } from "../../clients/typescript/index.ts";
import { useShared } from "../painter-context.ts";
import { usePicture } from "../parts/use-picture.ts";
import { jobAddress } from "../use-route.ts";
import { ago, spoken } from "../words.ts";

const PAGE = 12;

/** The jobs before this one, newest first: a wall of small pictures. */
export function EarlierJobs({ current }: { current: string | null }) {
  const { painter } = useShared();
  const [jobs, setJobs] = useState<Job[]>([]);
  const [cursor, setCursor] = useState<string | null>(null);
  const load = useCallback(
    async (from?: string) => {
      const page = await painter.jobs({ limit: PAGE, ...(from && { cursor: from }) });
      setJobs((before) => (from ? [...before, ...page.jobs] : page.jobs));
      setCursor(page.next_cursor);
    },
    [painter],
  );
  // Going to another page is the moment to look again
  useEffect(() => {
    // What hinders this list hinders the page above, which says so.
    load().catch(() => undefined);
  }, [load, current]);
  const others = jobs.filter(({ id }) => id !== current);
  if (others.length === 0) return null;
  return (
    <section class="wall" aria-labelledby="wall-title">
      <h2 id="wall-title">Earlier</h2>
      <ul>
        {others.map((job) => (
          <Small key={job.id} job={job} />
        ))}
      </ul>
      {cursor && (
        <button type="button" onClick={() => void load(cursor).catch(() => undefined)}>
          Show more
        </button>
      )}
    </section>
  );
}

function Small({ job }: { job: Job }) {
  const { preview, result, content } = job.links;
  const shown = usePicture(preview ?? result ?? content);
  const name = typeof job.metadata.content === "string" ? spoken(job.metadata.content) : "Untitled";
  return (
    <li>
      <a href={jobAddress(job.id)}>
        <span class="small-frame">{shown.url && <img src={shown.url} alt="" loading="lazy" />}</span>
        <em>{name}</em>
        <span class="soft">{job.status === "succeeded" ? ago(job.created_at) : spoken(job.status)}</span>
      </a>
    </li>
  );
}
