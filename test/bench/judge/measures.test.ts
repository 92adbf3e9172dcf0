import { join } from "node:path";
import { beforeAll, describe, expect, it } from "@jest/globals";
import { artifactRatio } from "../../../bench/judge/measures/artifacts.ts";
import { colorScore } from "../../../bench/judge/measures/color.ts";
import { contentScore } from "../../../bench/judge/measures/content.ts";
import { type RgbPicture, readRgb } from "../../../bench/judge/measures/planes.ts";
import { ROOT } from "../../../src/root.ts";

const SIZE = 256;
let content: RgbPicture;
let style: RgbPicture;
/** The style laid half transparent over the content. */
let veil: RgbPicture;
beforeAll(async () => {
  content = await readRgb(join(ROOT, "examples/cat.jpg"), SIZE, SIZE);
  style = await readRgb(join(ROOT, "examples/sandstone.jpg"), SIZE, SIZE);
  veil = mix(content, style);
});

const mix = (a: RgbPicture, b: RgbPicture): RgbPicture => ({
  ...a,
  data: a.data.map((value, index) => (value + (b.data[index] ?? 0)) / 2),
});

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
