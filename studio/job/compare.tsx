import { useRef, useState } from "preact/hooks";

/** Two pictures one above the other, and a slider that uncovers the upper: with the mouse, a finger, or arrow keys. */
export function Compare({ before, after }: { before: string; after: string }) {
  const [part, setPart] = useState(50);
  const frame = useRef<HTMLDivElement>(null);
  return (
    <div class="compare" ref={frame} style={{ "--part": `${part}%` }}>
      <img src={after} alt="After: the painting" />
      <img class="before" src={before} alt="Before: the content" />
      <span class="divide" aria-hidden="true" />
      <span class="tag left" aria-hidden="true">
        Before
      </span>
      <span class="tag right" aria-hidden="true">
        After
      </span>
      <input
        type="range"
        min="0"
        max="100"
        value={part}
        aria-label="How much of the picture before is shown"
        aria-valuetext={`${part} % before, ${100 - part} % after`}
        onInput={(event) => setPart(event.currentTarget.valueAsNumber)}
      />
    </div>
  );
}
