import type { ControlProps } from "./control-props.ts";

/** Weights by name, for example of a network's layers: those in use, each with its weight, and one more to add. */
export function WeightsControl({ id, schema, standard, value, onChange }: ControlProps) {
  const weights = (value ?? standard ?? {}) as Record<string, number>;
  const names = (schema.propertyNames?.enum ?? []).map(String);
  const free = names.filter((name) => !(name in weights));
  const limits = typeof schema.additionalProperties === "object" ? schema.additionalProperties : {};
  return (
    <div class="weights">
      {names
        .filter((name) => name in weights)
        .map((name) => (
          <div key={name} class="weight">
            <label for={`${id}-${name}`}>{name.replace("_", " ")}</label>
            <input
              id={`${id}-${name}`}
              type="number"
              inputMode="decimal"
              step="any"
              min={limits.minimum}
              max={limits.maximum}
              value={weights[name]}
              onInput={(event) => {
                const weight = event.currentTarget.valueAsNumber;
                if (!Number.isNaN(weight)) onChange({ ...weights, [name]: weight });
              }}
            />
            <button
              type="button"
              class="link"
              aria-label={`Remove ${name}`}
              onClick={() => {
                const { [name]: _, ...others } = weights;
                onChange(others);
              }}
            >
              Remove
            </button>
          </div>
        ))}
      {free.length > 0 && (
        <select
          aria-label="Add a layer"
          value=""
          onChange={(event) => {
            const name = event.currentTarget.value;
            if (name !== "") onChange({ ...weights, [name]: 0.2 });
          }}
        >
          <option value="">Add…</option>
          {free.map((name) => (
            <option key={name} value={name}>
              {name.replace("_", " ")}
            </option>
          ))}
        </select>
      )}
    </div>
  );
}
