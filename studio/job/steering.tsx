import { useEffect, useState } from "preact/hooks";
import type { Job, Presets } from "../../clients/typescript/index.ts";
import { kindOf, type OptionSchema } from "../options/option-schema.ts";
import { useShared } from "../painter-context.ts";
import { TroubleNote } from "../parts/trouble-note.tsx";
import { useAttempt } from "../parts/use-attempt.ts";
import { figure, spoken } from "../words.ts";

interface Props {
  job: Job;
  presets: Presets | null;
  onJob: (job: Job) => void;
}

/** Sliders that change a running job's weights, from its next step on: those that the service says can be changed. */
export function Steering({ job, presets, onJob }: Props) {
  const { painter, announce } = useShared();
  const { attempt, trouble } = useAttempt();
  const described = (presets?.options ?? {}) as Record<string, OptionSchema>;
  const weights = (presets?.updatable_options ?? []).filter(
    (name) => kindOf(described[name] ?? {}) === "number",
  );
  const steer = async (name: string, value: number) => {
    onJob(await painter.updateOptions(job.id, { [name]: value }));
    announce(`${spoken(name)} is now ${figure(value)}`);
  };
  if (weights.length === 0) return null;
  return (
    <section class="steering" aria-labelledby="steering-title">
      <h2 id="steering-title">Steer it</h2>
      {weights.map((name) => (
        <WeightSlider
          key={name}
          id={`steer-${name}`}
          title={described[name]?.title ?? spoken(name)}
          schema={described[name] ?? {}}
          value={Number((job.options as Record<string, unknown>)[name])}
          onValue={(value) => void attempt(() => steer(name, value))}
        />
      ))}
      {trouble !== null && <TroubleNote error={trouble} />}
    </section>
  );
}

interface SliderProps {
  id: string;
  title: string;
  schema: OptionSchema;
  value: number;
  onValue: (value: number) => void;
}

/** Each step of the slider is an eighth of an octave: weights matter by their ratio. */
const STEPS = 40;
const PER_OCTAVE = 8;

/** The middle is what the job was begun with; the left end is nothing, the right end 32 times as much. */
function WeightSlider({ id, title, schema, value, onValue }: SliderProps) {
  const [middle] = useState(value > 0 ? value : 1);
  const [shown, setShown] = useState(value);
  useEffect(() => setShown(value), [value]);
  const whole = schema.type === "integer";
  const valueAt = (place: number) => {
    if (place <= -STEPS) return schema.minimum ?? 0;
    const scaled = middle * 2 ** (place / PER_OCTAVE);
    const fitting = Math.min(scaled, schema.maximum ?? scaled);
    return whole ? Math.round(fitting) : Number(fitting.toPrecision(3));
  };
  const place = shown > 0 ? Math.round(PER_OCTAVE * Math.log2(shown / middle)) : -STEPS;
  return (
    <div class="slider">
      <label for={id}>
        {title} <output>{figure(shown)}</output>
      </label>
      <input
        id={id}
        type="range"
        min={-STEPS}
        max={STEPS}
        value={Math.max(-STEPS, Math.min(STEPS, place))}
        aria-valuetext={figure(shown)}
        onInput={(event) => setShown(valueAt(event.currentTarget.valueAsNumber))}
        onChange={(event) => onValue(valueAt(event.currentTarget.valueAsNumber))}
      />
    </div>
  );
}
