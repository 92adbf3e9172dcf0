import { useEffect, useState } from "preact/hooks";
import { isFinal, type Job, type Losses } from "../../clients/typescript/index.ts";
import { useShared } from "../painter-context.ts";
import { figure } from "../words.ts";

const WIDTH = 320;
const HEIGHT = 96;

/** How the loss falls: the stored history, and from there on each step that is seen. */
export function LossCurve({ job }: { job: Job }) {
  const points = useLosses(job);
  if (points.length < 2) return null;
  const first = points[0];
  const last = points.at(-1);
  return (
    <figure class="curve">
      <figcaption>
        Loss <span class="soft">{last && figure(last.total)}</span>
      </figcaption>
      <svg
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={`The loss fell from ${first && figure(first.total)} to ${last && figure(last.total)} in ${last?.step} steps`}
      >
        {PARTS.map((part) => (
          <path
            key={part}
            class={part}
            d={pathOf(points, part, job.options.steps)}
            vector-effect="non-scaling-stroke"
          />
        ))}
      </svg>
      <p class="soft legend" aria-hidden="true">
        {PARTS.map((part) => (
          <span key={part} class={part}>
            {part}
          </span>
        ))}
      </p>
    </figure>
  );
}

const PARTS = ["content", "style", "total"] as const;
type Point = Record<"step" | (typeof PARTS)[number], number>;

/** The content's part, and all that is not the content's. */
function pointOf({ step, total, parts }: Pick<Losses["losses"][number], "step" | "total" | "parts">): Point {
  const content = parts.content ?? 0;
  return { step, content, style: total - content, total };
}

function useLosses(job: Job): Point[] {
  const { painter } = useShared();
  const [points, setPoints] = useState<Point[]>([]);
  const { losses } = job.links;
  const done = isFinal(job);
  // Once when there are losses, and once more at the end
  useEffect(() => {
    if (!losses) return;
    const gone = new AbortController();
    painter.losses(job.id, { signal: gone.signal }).then(
      (history) => setPoints((seen) => joined(history.losses.map(pointOf), seen)),
      () => undefined,
    );
    return () => gone.abort();
  }, [painter, job.id, losses, done]);
  const { progress } = job;
  useEffect(() => {
    if (progress?.loss) {
      const { step, loss } = progress;
      setPoints((seen) => joined(seen, [pointOf({ step, ...loss })]));
    }
  }, [progress]);
  return points;
}

/** `newer` counts from where it begins on: a job that was started again goes back. */
function joined(older: Point[], newer: Point[]): Point[] {
  const from = newer[0]?.step ?? Number.POSITIVE_INFINITY;
  const last = older.at(-1)?.step ?? 0;
  if (newer.length > 1)
    return [...older.filter(({ step }) => step < from), ...newer.filter(({ step }) => step >= from)];
  return from > last ? [...older, ...newer] : older;
}

/** On a logarithmic scale: the last steps matter as much as the first. */
function pathOf(points: Point[], part: (typeof PARTS)[number], steps: number): string {
  const logs = points.flatMap((point) => PARTS.map((one) => point[one])).filter((value) => value > 0);
  const top = Math.log(Math.max(...logs));
  const bottom = Math.log(Math.max(Math.min(...logs), Math.max(...logs) / 1e4));
  const x = (step: number) => (step / Math.max(steps, points.at(-1)?.step ?? 1)) * WIDTH;
  const y = (value: number) =>
    HEIGHT -
    2 -
    ((Math.log(Math.max(value, Math.exp(bottom))) - bottom) / (top - bottom || 1)) * (HEIGHT - 4);
  return points
    .map(
      (point, index) => `${index === 0 ? "M" : "L"}${x(point.step).toFixed(1)} ${y(point[part]).toFixed(1)}`,
    )
    .join("");
}
