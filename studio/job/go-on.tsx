import { useState } from "preact/hooks";
import type { Job, Presets } from "../../clients/typescript/index.ts";
import type { OptionSchema } from "../options/option-schema.ts";
import { useShared } from "../painter-context.ts";
import { TroubleNote } from "../parts/trouble-note.tsx";
import { useAttempt } from "../parts/use-attempt.ts";
import { openJob } from "../use-route.ts";

/** Against what it was painted with. */
const SIZES = [
  { times: 1, words: "as large" },
  { times: 1.5, words: "half as large again" },
  { times: 2, words: "twice as large" },
] as const;
/** What is painted already needs fewer steps than the whole. */
const SHARE_OF_STEPS = 1 / 4;

/** A new job from a picture that is painted: further steps, larger if wanted, without starting over. */
export function GoOn({ job, presets }: { job: Job; presets: Presets | null }) {
  const { painter } = useShared();
  const { size, steps } = job.options;
  const described = (presets?.options ?? {}) as Record<string, OptionSchema>;
  const largest = described.size?.maximum ?? size;
  const [times, setTimes] = useState(1);
  const [further, setFurther] = useState(Math.max(1, Math.round(steps * SHARE_OF_STEPS)));
  const { attempt, underWay, trouble } = useAttempt();
  const start = async () => {
    const options = { size: Math.round(size * times), steps: further };
    openJob((await painter.continue(job.id, { options, metadata: job.metadata })).id);
  };
  return (
    <form
      class="go-on"
      aria-label="Go on from this picture"
      onSubmit={(event) => {
        event.preventDefault();
        void attempt(start);
      }}
    >
      <label>
        Paint on,{" "}
        <select value={times} onChange={(event) => setTimes(Number(event.currentTarget.value))}>
          {SIZES.filter((one) => size * one.times <= largest).map((one) => (
            <option key={one.times} value={one.times}>
              {one.words} ({Math.round(size * one.times)} px)
            </option>
          ))}
        </select>
      </label>
      <label>
        for{" "}
        <input
          type="number"
          min={1}
          required
          value={further}
          onInput={(event) => setFurther(event.currentTarget.valueAsNumber)}
        />{" "}
        steps
      </label>
      <button type="submit" disabled={underWay}>
        Go on
      </button>
      {trouble !== null && <TroubleNote error={trouble} />}
    </form>
  );
}
