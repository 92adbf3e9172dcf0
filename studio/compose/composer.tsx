import type { Presets, SubmissionOptions } from "../../clients/typescript/index.ts";
import { type Draft, nameOf } from "../draft.ts";
import { CONTENT_EXAMPLES, STYLE_EXAMPLES } from "../examples.ts";
import { OptionForm } from "../options/option-form.tsx";
import { useShared } from "../painter-context.ts";
import { TroubleNote } from "../parts/trouble-note.tsx";
import { useAttempt } from "../parts/use-attempt.ts";
import { openJob } from "../use-route.ts";
import { PictureWell } from "./picture-well.tsx";
import { PresetChoice } from "./preset-choice.tsx";

interface Props {
  draft: Draft;
  presets: Presets | null;
  /** Pictures take a while to load: each change is made to the draft as it then is. */
  onChange: (change: (before: Draft) => Draft) => void;
}

/** Where a painting is put together: pictures, a preset, options. */
export function Composer({ draft, presets, onChange }: Props) {
  const { painter, announce } = useShared();
  const { attempt, underWay, trouble } = useAttempt();
  const change = (part: Partial<Draft>) => onChange((before) => ({ ...before, ...part }));
  const { content, styles, options } = draft;
  const preset = draft.preset ?? presets?.default ?? null;
  const missing = whatIsMissing(draft);

  const start = async () => {
    if (!content || styles.length === 0) return;
    announce("Sending the pictures");
    const chosen = { ...timelapse(presets, preset, options), ...options, ...(preset && { preset }) };
    const metadata = { content: nameOf(content), styles: styles.map(nameOf).join(", ") };
    const job = await painter.submit({
      content,
      style: styles,
      options: chosen as SubmissionOptions,
      metadata,
    });
    openJob(job.id);
  };

  return (
    <form
      class="composer"
      onSubmit={(event) => {
        event.preventDefault();
        void attempt(start);
      }}
    >
      <h1>
        Paint one picture <em>in the manner of another</em>
      </h1>
      <div class="pair">
        <PictureWell
          title="Content"
          hint="What is to be seen: a portrait, a street, a cat."
          files={content ? [content] : []}
          examples={CONTENT_EXAMPLES}
          onFiles={(next) =>
            onChange((before) => {
              const [content = null] = next(before.content ? [before.content] : []);
              return { ...before, content };
            })
          }
        />
        <span class="plus" aria-hidden="true">
          +
        </span>
        <PictureWell
          title="Style"
          hint="How it is to look: a painting, stone, woven cloth."
          several
          files={styles}
          examples={STYLE_EXAMPLES}
          onFiles={(next) => onChange((before) => ({ ...before, styles: next(before.styles) }))}
        />
      </div>
      {presets && preset && (
        <>
          <PresetChoice presets={presets} chosen={preset} onChoose={(name) => change({ preset: name })} />
          <OptionForm
            presets={presets}
            preset={preset}
            values={options}
            onChange={(values) => change({ options: values })}
          />
        </>
      )}
      {trouble !== null && <TroubleNote error={trouble} />}
      <div class="start">
        <button type="submit" class="primary large" disabled={missing !== null || underWay}>
          {underWay ? "Sending the pictures…" : "Start painting"}
        </button>
        <p class="soft">{missing ?? "It goes on even if you close this page."}</p>
      </div>
    </form>
  );
}

const TIMELAPSE_PICTURES = 30;

/** Whoever watches a painting in the studio wants to see it come about again. */
function timelapse(presets: Presets | null, preset: string | null, options: Draft["options"]) {
  if (!presets || !("timelapse_interval" in presets.options)) return {};
  const standard = Object.entries(presets.presets).find(([name]) => name === preset)?.[1];
  const steps = typeof options.steps === "number" ? options.steps : (standard?.steps ?? 100);
  return { timelapse_interval: Math.ceil(steps / TIMELAPSE_PICTURES) };
}

function whatIsMissing({ content, styles }: Draft): string | null {
  if (!content && styles.length === 0) return "Choose a content and a style picture first.";
  if (!content) return "Choose a content picture first.";
  return styles.length === 0 ? "Choose a style picture first." : null;
}
