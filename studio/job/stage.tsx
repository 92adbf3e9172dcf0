import { useState } from "preact/hooks";
import type { Job } from "../../clients/typescript/index.ts";
import { usePicture } from "../parts/use-picture.ts";
import { Compare } from "./compare.tsx";

interface Props {
  job: Job;
  content: string | null;
  latest: string | null;
  result: string | null;
}

type View = "compare" | "painting" | "timelapse";

/** The picture on the wall: as far as it is, and in the end beside what it was made from. */
export function Stage({ job, content, latest, result }: Props) {
  const [view, setView] = useState<View>("compare");
  const painting = result ?? latest;
  const { timelapse } = job.links;
  const before = painting === null;
  const done = job.status === "succeeded" && result !== null;
  const chosen = view === "compare" && content === null ? "painting" : view;
  return (
    <section class="stage" aria-label="The picture">
      <div class={`hung ${job.status === "running" ? "wet" : ""} ${before ? "untouched" : ""}`}>
        {done && chosen === "compare" && content && result ? (
          <Compare before={content} after={result} />
        ) : done && chosen === "timelapse" && timelapse ? (
          <Timelapse path={timelapse} />
        ) : (
          <Picture src={painting ?? content} alt={altOf(job, before)} />
        )}
      </div>
      {done && (
        <fieldset class="views" aria-label="Show">
          {(["compare", "painting", "timelapse"] as const)
            .filter((name) => (name === "timelapse" ? timelapse : name !== "compare" || content))
            .map((name) => (
              <button
                key={name}
                type="button"
                class={name === chosen ? "chosen" : ""}
                aria-pressed={name === chosen}
                onClick={() => setView(name)}
              >
                {VIEW_NAMES[name]}
              </button>
            ))}
        </fieldset>
      )}
    </section>
  );
}

const VIEW_NAMES: Record<View, string> = {
  compare: "Before and after",
  painting: "Painting",
  timelapse: "Timelapse",
};

function Picture({ src, alt }: { src: string | null; alt: string }) {
  return src ? <img src={src} alt={alt} /> : <div class="blank" role="img" aria-label="Nothing to see yet" />;
}

function Timelapse({ path }: { path: string }) {
  const [turn, setTurn] = useState(0);
  const { url, failed } = usePicture(path, turn);
  if (failed) return <p>The timelapse cannot be shown just now.</p>;
  return (
    <>
      <Picture src={url} alt="How the painting came about, from the first step to the last" />
      <button type="button" class="replay" onClick={() => setTurn(turn + 1)}>
        Play again
      </button>
    </>
  );
}

function altOf(job: Job, before: boolean): string {
  const { content } = job.metadata;
  const name = typeof content === "string" ? content : "the content picture";
  if (before) return `${name}, not painted yet`;
  return job.status === "succeeded" ? `${name}, painted` : `${name}, as far as it is painted`;
}
