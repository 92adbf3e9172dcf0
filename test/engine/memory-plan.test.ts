import { describe, expect, it } from "@jest/globals";
import { PRESETS } from "../../src/contract/presets.ts";
import {
  estimateBytes,
  OutOfMemoryError,
  paintingBytes,
  planStrips,
} from "../../workers/engine/memory-plan.ts";
import { schedule } from "../../workers/engine/schedule.ts";

const GIB = 2 ** 30;
const { balanced, classic } = PRESETS;

describe("planStrips()", () => {
  it("leaves a picture whole where that is comfortable", () => {
    expect(planStrips(512, 512, balanced, 8 * GIB)).toBe(Number.POSITIVE_INFINITY);
  });

  it("cuts a picture into strips where it would not fit whole, lower ones where memory is scarcer", () => {
    const wide = planStrips(2048, 2048, balanced, 16 * GIB);
    const narrow = planStrips(2048, 2048, balanced, estimateBytes(2048, 2048, balanced, wide) - 1);
    expect(wide % 16).toBe(0);
    expect(narrow % 16).toBe(0);
    expect(narrow).toBeLessThan(wide);
  });

  it("chooses strips whose estimate is within what there is", () => {
    for (const available of [4, 6, 8, 12]) {
      const rows = planStrips(2048, 1536, balanced, available * GIB);
      expect(estimateBytes(2048, 1536, balanced, rows)).toBeLessThanOrEqual(available * GIB);
    }
  });

  it("refuses what cannot fit, with what it needs and what there is", () => {
    expect(() => planStrips(4096, 4096, classic, 2 * GIB)).toThrow(OutOfMemoryError);
    expect(() => planStrips(4096, 4096, classic, 2 * GIB)).toThrow(
      /4096 × 4096 px needs about \d+ MiB.* 2048 MiB/,
    );
  });
});

describe("paintingBytes()", () => {
  it("counts what windows hold", () => {
    const scales = schedule(balanced, 512, 344).slice(-1);
    const [one, three, eight] = [1, 3, 8].map((style_windows) =>
      paintingBytes(scales, [16], { ...balanced, style_windows }, "avx2"),
    ) as [number, number, number];
    const matrix = 512 ** 2 * 4; // of the deepest layer
    expect(three - one).toBeGreaterThan(15 * matrix);
    expect(eight - three).toBeGreaterThan(65 * matrix);
  });

  it("counts each scale with its own optimiser, and the picture with its margin", () => {
    const scales = schedule(balanced, 512, 344);
    const [coarse, , last] = scales.map((scale) => paintingBytes([scale], [16], balanced, "avx2"));
    const coarseByAdam = paintingBytes(
      schedule({ ...balanced, optimizer: "annealed_adam" }, 512, 344).slice(0, 1),
      [16],
      balanced,
      "avx2",
    );
    expect(coarse).toBeGreaterThan(coarseByAdam);
    expect(last).toBeGreaterThan(coarse ?? 0);
    expect(paintingBytes(scales, [16, 16, 16], balanced, "avx2")).toBe(last);
    const narrower = schedule(balanced, 512, 341).slice(-1);
    expect(paintingBytes(narrower, [16], balanced, "avx2")).toBe(last);
  });
});
