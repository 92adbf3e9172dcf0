import type { Presets } from "../../clients/typescript/index.ts";
import { OptionControl } from "./option-control.tsx";
import type { OptionSchema } from "./option-schema.ts";

interface Props {
  presets: Presets;
  preset: string;
  values: Record<string, unknown>;
  onChange: (values: Record<string, unknown>) => void;
}

/** Every option that the service describes, with its meaning; what is not touched stays the preset's. */
export function OptionForm({ presets, preset, values, onChange }: Props) {
  const standards = Object.entries(presets.presets).find(([name]) => name === preset)?.[1] ?? {};
  const described = Object.entries(presets.options as Record<string, OptionSchema>);
  const options = described.filter(([name]) => name !== "preset");
  const changed = Object.keys(values).length;
  const change = (name: string, value: unknown) => {
    const { [name]: _, ...others } = values;
    onChange(value === undefined ? others : { ...others, [name]: value });
  };
  return (
    <details class="more">
      <summary>
        More options{" "}
        {changed > 0 && (
          <span class="count">
            {changed} changed<span class="unseen"> from the preset</span>
          </span>
        )}
      </summary>
      {changed > 0 && (
        <button type="button" class="link" onClick={() => onChange({})}>
          Back to the preset
        </button>
      )}
      <div class="options">
        {options.map(([name, schema]) => (
          <OptionControl
            key={name}
            id={`option-${name}`}
            name={name}
            schema={schema}
            standard={(standards as Record<string, unknown>)[name]}
            value={values[name]}
            onChange={(value) => change(name, value)}
          />
        ))}
      </div>
    </details>
  );
}
