/** Loss at the final size against wall time. */
export interface Curve {
  name: string;
  points: { seconds: number; loss: number }[];
}

const WIDTH = 800;
const HEIGHT = 480;
const MARGIN = 60;
const COLOURS = ["#888888", "#d1495b", "#00798c", "#edae49", "#30638e"];

/** An SVG plot, both axes logarithmic. */
export function drawCurves(curves: readonly Curve[]): string {
  const all = curves.flatMap((curve) => curve.points);
  const x = axis(
    all.map((point) => point.seconds),
    MARGIN,
    WIDTH - 20,
  );
  const y = axis(
    all.map((point) => point.loss),
    HEIGHT - MARGIN,
    20,
  );
  const lines = curves.map((curve, index) => {
    const colour = COLOURS[index % COLOURS.length];
    const points = curve.points.map(({ seconds, loss }) => `${x.at(seconds)},${y.at(loss)}`).join(" ");
    const label = `<text x="${WIDTH - 130}" y="${40 + index * 18}" fill="${colour}">${curve.name}</text>`;
    return `<polyline fill="none" stroke="${colour}" stroke-width="1.5" points="${points}"/>${label}`;
  });
  const ticks = [
    ...x.ticks.map(
      (value) => `<text x="${x.at(value)}" y="${HEIGHT - MARGIN + 20}" text-anchor="middle">${value}</text>`,
    ),
    ...y.ticks.map((value) => `<text x="${MARGIN - 8}" y="${y.at(value)}" text-anchor="end">${value}</text>`),
  ];
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12">
<rect width="${WIDTH}" height="${HEIGHT}" fill="white"/>
<text x="${WIDTH / 2}" y="${HEIGHT - 12}" text-anchor="middle">seconds</text>
<text x="14" y="${HEIGHT / 2}" text-anchor="middle" transform="rotate(-90 14 ${HEIGHT / 2})">total loss at the final size</text>
${[...ticks, ...lines].join("\n")}
</svg>
`;
}

function axis(values: number[], from: number, to: number) {
  const [least, most] = [Math.log10(Math.min(...values)), Math.log10(Math.max(...values))];
  const at = (value: number) =>
    (from + ((Math.log10(value) - least) / (most - least)) * (to - from)).toFixed(1);
  const ticks = [1, 2, 5].flatMap((digit) => [-2, -1, 0, 1, 2, 3].map((power) => digit * 10 ** power));
  return { at, ticks: ticks.filter((tick) => Math.log10(tick) >= least && Math.log10(tick) <= most) };
}
