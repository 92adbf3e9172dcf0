import { join } from "node:path";
import { afterEach, beforeAll, describe, expect, it } from "@jest/globals";
import { artifactRatio } from "../../../bench/judge/measures/artifacts.ts";
import { colorScore } from "../../../bench/judge/measures/color.ts";
import { contentScore } from "../../../bench/judge/measures/content.ts";
import { type RgbPicture, readRgb } from "../../../bench/judge/measures/planes.ts";
import { StyleMeasure } from "../../../bench/judge/measures/style.ts";
import { ROOT } from "../../../src/root.ts";
import { findWeights } from "../../../workers/engine/weights/find-weights.ts";

const SIZE = 256;
const weights = trainedWeights();
let content: RgbPicture;
let style: RgbPicture;
/** The style laid half transparent over the content. */
let veil: RgbPicture;
beforeAll(async () => {
  content = await readRgb(join(ROOT, "examples/cat.jpg"), SIZE, SIZE);
  style = await readRgb(join(ROOT, "examples/sandstone.jpg"), SIZE, SIZE);
  veil = mix(content, style);
});

/** Where the trained weights lie on this machine, or null. */
function trainedWeights(): string | null {
  try {
    return findWeights(ROOT, undefined);
  } catch {
    return null;
  }
}

const mix = (a: RgbPicture, b: RgbPicture): RgbPicture => ({
  ...a,
  data: a.data.map((value, index) => (value + (b.data[index] ?? 0)) / 2),
});

/** One patch of the style everywhere: nothing of the rest is covered. */
function repeatPatch(style: RgbPicture, edge: number): RgbPicture {
  const { width } = style;
  const data = style.data.map((_, index) => {
    const [pixel, channel] = [Math.floor(index / 3), index % 3];
    const [x, y] = [(pixel % width) % edge, Math.floor(pixel / width) % edge];
    return style.data[3 * ((edge + y) * width + edge + x) + channel] ?? 0;
  });
  return { ...style, data };
}

describe("The judge's measures on planted cases", () => {
  it("content: the content itself scores 1, a veil less, the style pasted in 0", () => {
    expect(contentScore(content, content, style)).toBeCloseTo(1);
    expect(contentScore(style, content, style)).toBeCloseTo(0);
    const score = contentScore(veil, content, style);
    expect(score).toBeGreaterThan(0.2);
    expect(score).toBeLessThan(0.9);
  });

  it("color: the style itself scores 1, the content 0, a veil in between", () => {
    expect(colorScore(style, content, style)).toBeCloseTo(1);
    expect(colorScore(content, content, style)).toBeCloseTo(0);
    const score = colorScore(veil, content, style);
    expect(score).toBeGreaterThan(0);
    expect(score).toBeLessThan(1);
  });

  it("artifacts: the style itself has a ratio of 1, a faint checkerboard over it many times that", () => {
    expect(artifactRatio(style, style)).toBeCloseTo(1);
    const checkered = {
      ...style,
      data: style.data.map((value, index) => {
        const pixel = Math.floor(index / 3);
        return value + ((pixel + Math.floor(pixel / SIZE)) % 2 === 0 ? 0.1 : -0.1);
      }),
    };
    expect(artifactRatio(checkered, style)).toBeGreaterThan(3);
  });
});

describe("The judge's measure of style on planted cases", () => {
  let measure: StyleMeasure | undefined;
  const load = async (location: string) => {
    measure = await StyleMeasure.load(location);
    return measure;
  };
  afterEach(() => measure?.dispose());

  it("without trained weights: the style itself scores 1, the content 0, one patch repeated covers little", async () => {
    const measure = await load("random:1:4");
    expect(measure.score(style, content, style)).toEqual({
      style: expect.closeTo(1),
      coverage: expect.closeTo(1),
    });
    expect(measure.score(content, content, style)).toEqual({ style: 0, coverage: 0 });
    const repeated = measure.score(repeatPatch(style, 64), content, style);
    expect(repeated.coverage).toBeLessThan(0.7 * repeated.style);
  });

  (weights === null ? it.skip : it)(
    "with them: a veil scores above the content, the default above a veil, one patch repeated covers next to nothing",
    async () => {
      const measure = await load(weights ?? "");
      const size = 384;
      const [large, target, painted] = [
        await readRgb(join(ROOT, "examples/cat.jpg"), size, size),
        await readRgb(join(ROOT, "examples/sandstone.jpg"), size, size),
        await readRgb(join(ROOT, "docs/pictures/result.webp"), size, size), // the default
      ];
      const veiled = measure.score(mix(large, target), large, target);
      const result = measure.score(painted, large, target);
      expect(veiled.style).toBeGreaterThan(0.1);
      expect(result.style).toBeGreaterThan(veiled.style);
      const repeated = measure.score(repeatPatch(target, 64), large, target);
      expect(repeated.coverage).toBeLessThan(0.3 * veiled.coverage);
      expect(repeated.coverage).toBeLessThan(0.3 * result.coverage);
    },
  );
});
