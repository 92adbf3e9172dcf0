import { spoken } from "../words.ts";
import type { ControlProps } from "./control-props.ts";
import { FreeControl, NumberControl, TextControl } from "./field-controls.tsx";
import { kindOf, rangeOf } from "./option-schema.ts";
import { WeightsControl } from "./weights-control.tsx";

/** One option: its control, its meaning, its range, and the way back to the preset's value. */
export function OptionControl(props: ControlProps) {
  const { id, name, schema, value, onChange } = props;
  const kind = kindOf(schema);
  const title = schema.title ?? spoken(name);
  const range = kind === "number" ? rangeOf(schema) : "";
  const isGroup = kind === "group" || kind === "weights";
  const reset = value !== undefined && (
    <button type="button" class="link" aria-label={`Reset ${title}`} onClick={() => onChange(undefined)}>
      Reset
    </button>
  );
  const meaning = (schema.description || range) && (
    <p class="meaning" id={`${id}-meaning`}>
      <Description text={schema.description ?? ""} /> {range && <span class="range">{range}</span>}
    </p>
  );
  if (isGroup) {
    return (
      <fieldset class={`option wide ${value === undefined ? "" : "changed"}`}>
        <legend>
          {title} {reset}
        </legend>
        {meaning}
        {kind === "weights" ? <WeightsControl {...props} /> : <GroupControl {...props} />}
      </fieldset>
    );
  }
  return (
    <div class={`option ${value === undefined ? "" : "changed"}`}>
      <div class="option-head">
        <label for={id}>{title}</label>
        {reset}
      </div>
      <SingleControl {...props} />
      {meaning}
    </div>
  );
}

/** Names between backticks are code. */
function Description({ text }: { text: string }) {
  return text.split("`").map((part, index) => (index % 2 === 1 ? <code key={index}>{part}</code> : part));
}

function SingleControl(props: ControlProps) {
  const { id, schema, standard, value, onChange } = props;
  switch (kindOf(schema)) {
    case "choice":
      return (
        <select
          id={id}
          aria-describedby={`${id}-meaning`}
          value={String(value ?? standard ?? "")}
          onChange={(event) =>
            onChange(schema.enum?.find((one) => String(one) === event.currentTarget.value))
          }
        >
          {standard === undefined && <option value="">As the service chooses</option>}
          {schema.enum?.map((one) => (
            <option key={String(one)} value={String(one)}>
              {String(one)}
            </option>
          ))}
        </select>
      );
    case "switch":
      return (
        <input
          id={id}
          type="checkbox"
          aria-describedby={`${id}-meaning`}
          checked={Boolean(value ?? standard)}
          onChange={(event) => onChange(event.currentTarget.checked)}
        />
      );
    case "number":
      return <NumberControl {...props} />;
    case "text":
      return <TextControl {...props} />;
    default:
      return <FreeControl {...props} />;
  }
}

/** An object of named fields: each a control of its own. */
function GroupControl({ id, schema, standard, value, onChange }: ControlProps) {
  const set = (value ?? {}) as Record<string, unknown>;
  const standards = (standard ?? {}) as Record<string, unknown>;
  return (
    <div class="options">
      {Object.entries(schema.properties ?? {}).map(([field, part]) => (
        <OptionControl
          key={field}
          id={`${id}-${field}`}
          name={field}
          schema={part}
          standard={standards[field]}
          value={set[field]}
          onChange={(next) => {
            const { [field]: _, ...others } = set;
            const all = next === undefined ? others : { ...others, [field]: next };
            onChange(Object.keys(all).length === 0 ? undefined : all);
          }}
        />
      ))}
    </div>
  );
}
