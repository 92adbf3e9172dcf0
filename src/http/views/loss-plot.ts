import type { LossEntry } from "../../contract/losses.ts";

const WIDTH = 720;
const HEIGHT = 400;
const MARGIN = { left: 64, right: 104, top: 24, bottom: 40 };
/** More points would not be visible at this width. */
const MAX_POINTS = 600;

/** Colours that are distinguishable with any colour vision (Okabe & Ito 2008). */
const COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"];
const TOTAL_COLOUR = "#000000";

interface Line {
  name: string;
  colour: string;
  valueAt(entry: LossEntry): number;
}

/** The total, and every part of the objective. */
function linesOf(entries: readonly LossEntry[]): Line[] {
  const names = [...new Set(entries.flatMap(({ parts }) => Object.keys(parts)))];
  const parts = names.map((name, index) => ({
    name,
    colour: COLOURS[index % COLOURS.length] as string,
    valueAt: (entry: LossEntry) => entry.parts[name] ?? 0,
  }));
  return [{ name: "total", colour: TOTAL_COLOUR, valueAt: ({ total }) => total }, ...parts];
}

/** Plots the losses over the steps as SVG, on a logarithmic scale. */
export function lossPlot(entries: readonly LossEntry[]): string {
  const shown = thin(entries);
  const lines = linesOf(shown);
  const values = shown
    .flatMap((entry) => lines.map(({ valueAt }) => valueAt(entry)))
    .filter((value) => value > 0);
  const body =
    values.length === 0
      ? text(WIDTH / 2, HEIGHT / 2, "no losses yet", "middle")
      : chart(shown, lines, values);
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12">` +
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#ffffff"/>${body}</svg>\n`
  );
}

function chart(entries: readonly LossEntry[], lines: readonly Line[], values: number[]): string {
  const low = Math.floor(Math.log10(minimum(values)));
  const high = Math.max(low + 1, Math.ceil(Math.log10(-minimum(values.map((value) => -value)))));
  const first = entries[0]?.step ?? 0;
  const last = Math.max(first + 1, entries.at(-1)?.step ?? 0);
  const x = (step: number) => round(MARGIN.left + ((step - first) / (last - first)) * plotWidth);
  const y = (value: number) => round(MARGIN.top + ((high - Math.log10(value)) / (high - low)) * plotHeight);

  const decades = Array.from({ length: high - low + 1 }, (_, index) => low + index);
  const every = Math.ceil(decades.length / 8);
  const grid = decades
    .filter((_, index) => index % every === 0)
    .map(
      (power) => horizontal(y(10 ** power)) + text(MARGIN.left - 8, y(10 ** power) + 4, `1e${power}`, "end"),
    );
  const steps = [0, 0.25, 0.5, 0.75, 1].map((share) => Math.round(first + share * (last - first)));
  const labels = [...new Set(steps)].map((step) => text(x(step), HEIGHT - 16, String(step), "middle"));
  const marks = entries
    .filter((entry, index) => index > 0 && entry.objective !== entries[index - 1]?.objective)
    .map((entry) => vertical(x(entry.step), "options changed"));
  const curves = lines.map(({ name, colour, valueAt }, index) => {
    const points = entries
      .filter((entry) => valueAt(entry) > 0)
      .map((entry) => `${x(entry.step)},${y(valueAt(entry))}`);
    const key = text(WIDTH - MARGIN.right + 12, MARGIN.top + 12 + index * 18, name, "start", colour);
    return `<polyline fill="none" stroke="${colour}" stroke-width="1.5" points="${points.join(" ")}"/>${key}`;
  });
  return [...grid, ...labels, ...marks, ...curves, text(WIDTH / 2, HEIGHT - 2, "step", "middle")].join("");
}

const plotWidth = WIDTH - MARGIN.left - MARGIN.right;
const plotHeight = HEIGHT - MARGIN.top - MARGIN.bottom;
const round = (value: number) => Math.round(value * 10) / 10;
const minimum = (values: number[]) => values.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);

function thin(entries: readonly LossEntry[]): LossEntry[] {
  const every = Math.ceil(entries.length / MAX_POINTS);
  return entries.filter((_, index) => index % every === 0 || index === entries.length - 1);
}

function horizontal(y: number): string {
  return `<line x1="${MARGIN.left}" x2="${WIDTH - MARGIN.right}" y1="${y}" y2="${y}" stroke="#dddddd"/>`;
}

/** Marks a change of the options: the losses before and after it are not comparable. */
function vertical(x: number, label: string): string {
  const line = `<line x1="${x}" x2="${x}" y1="${MARGIN.top}" y2="${HEIGHT - MARGIN.bottom}" stroke="#888888" stroke-dasharray="4 3"/>`;
  return line + text(x, MARGIN.top - 8, label, "middle");
}

function text(
  x: number,
  y: number,
  label: string,
  anchor: "start" | "middle" | "end",
  colour = "#444444",
): string {
  return `<text x="${x}" y="${y}" text-anchor="${anchor}" fill="${colour}">${label}</text>`;
}
