import { useEffect, useState } from "preact/hooks";
import type { ControlProps } from "./control-props.ts";

export function NumberControl({ id, schema, standard, value, onChange }: ControlProps) {
  return (
    <input
      id={id}
      type="number"
      inputMode="decimal"
      aria-describedby={`${id}-meaning`}
      min={schema.minimum ?? schema.exclusiveMinimum}
      max={schema.maximum}
      step={schema.type === "integer" ? 1 : "any"}
      placeholder={standard === undefined || standard === null ? "chosen by the service" : String(standard)}
      value={value === undefined ? "" : String(value)}
      onInput={(event) => {
        const { value: text, valueAsNumber } = event.currentTarget;
        onChange(text === "" || Number.isNaN(valueAsNumber) ? undefined : valueAsNumber);
      }}
    />
  );
}

export function TextControl({ id, schema, standard, value, onChange }: ControlProps) {
  return (
    <input
      id={id}
      type="text"
      aria-describedby={`${id}-meaning`}
      maxLength={schema.maxLength}
      placeholder={typeof standard === "string" ? standard : ""}
      value={typeof value === "string" ? value : ""}
      onInput={(event) => onChange(event.currentTarget.value === "" ? undefined : event.currentTarget.value)}
    />
  );
}

/** What has no control of its own, as JSON. */
export function FreeControl({ id, standard, value, onChange }: ControlProps) {
  const [text, setText] = useState(value === undefined ? "" : JSON.stringify(value));
  const [wrong, setWrong] = useState(false);
  useEffect(() => {
    if (value === undefined && !wrong) setText("");
  }, [value, wrong]);
  return (
    <>
      <input
        id={id}
        type="text"
        class="code"
        spellcheck={false}
        aria-invalid={wrong}
        aria-describedby={`${id}-meaning${wrong ? ` ${id}-wrong` : ""}`}
        placeholder={standard === undefined ? "" : JSON.stringify(standard)}
        value={text}
        onInput={(event) => {
          const typed = event.currentTarget.value;
          setText(typed);
          const parsed = parseLoosely(typed);
          setWrong(parsed === null);
          onChange(parsed?.value);
        }}
      />
      {wrong && (
        <p class="wrong" id={`${id}-wrong`}>
          Not JSON yet: numbers, lists as [0.3, 0.7], texts in "quotes".
        </p>
      )}
    </>
  );
}

function parseLoosely(text: string): { value: unknown } | null {
  if (text.trim() === "") return { value: undefined };
  try {
    return { value: JSON.parse(text) };
  } catch {
    return null;
  }
}
