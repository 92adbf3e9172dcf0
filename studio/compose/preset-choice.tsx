import type { Presets } from "../../clients/typescript/index.ts";
import { spoken } from "../words.ts";

interface Props {
  presets: Presets;
  chosen: string;
  onChoose: (name: string) => void;
}

/** The presets as cards of a radio group, in the service's order. */
export function PresetChoice({ presets, chosen, onChoose }: Props) {
  const cards = Object.entries(presets.presets).flatMap(([name, options]) =>
    options ? [{ name, options }] : [],
  );
  return (
    <fieldset class="presets">
      <legend>How thoroughly</legend>
      <div class="cards">
        {cards.map(({ name, options }) => (
          <label key={name} class={`card ${name === chosen ? "chosen" : ""}`}>
            <input
              type="radio"
              name="preset"
              value={name}
              checked={name === chosen}
              onChange={() => onChoose(name)}
            />
            <strong>{spoken(name)}</strong>
            <span class="soft">
              {options.size} px, {options.steps} steps
            </span>
          </label>
        ))}
      </div>
    </fieldset>
  );
}
