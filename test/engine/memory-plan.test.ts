import { describe, expect, it } from "@jest/globals";
import { PRESETS } from "../../src/contract/presets.ts";
import { sizeWithMargin } from "../../workers/engine/margin.ts";
import { estimateBytes, OutOfMemoryError, planScales, planStrips } from "../../workers/engine/memory-plan.ts";
import { type Scale, schedule } from "../../workers/engine/schedule.ts";

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

  it("rejects what cannot fit, with what it needs and what there is", () => {
    expect(() => planStrips(4096, 4096, classic, 2 * GIB)).toThrow(OutOfMemoryError);
    expect(() => planStrips(4096, 4096, classic, 2 * GIB)).toThrow(
      /4096 × 4096 px needs about \d+ MiB.* 2048 MiB/,
    );
  });
});

describe("estimateBytes()", () => {
  it("counts the hypercolumns that are matched, of a grid that stops growing with the picture", () => {
    const gram = { ...balanced, style_distance: "gram" } as const;
    const matched = (size: number) =>
      estimateBytes(size, size, balanced, 16) - estimateBytes(size, size, gram, 16);
    const hypercolumns = 128 ** 2 * 2944 * 4;
    expect(matched(512)).toBeGreaterThan(3 * hypercolumns);
    expect(matched(1024) / matched(512)).toBeLessThan(2.5);
  });
});

describe("planScales()", () => {
  it("counts the picture with its margin", () => {
    const scales = [schedule(balanced, 1000, 667).at(-1) as Scale];
    expect(sizeWithMargin(scales[0] as Scale, balanced).height).toBe(672);
    for (const scale of scales) {
      const { width, height } = sizeWithMargin(scale, balanced);
      const needed = estimateBytes(width, height, balanced, Number.POSITIVE_INFINITY);
      expect(planScales([scale], balanced, needed, "avx2")).toEqual([Number.POSITIVE_INFINITY]);
      expect(planScales([scale], balanced, needed - 1, "avx2")[0]).toBeLessThan(height);
    }
  });

  it("keeps the strips that a painting was begun with, unless they no longer fit", () => {
    const [scale] = schedule(classic, 512, 344).slice(-1) as [Scale];
    const needed = estimateBytes(512, 344, classic, 64);
    expect(planScales([scale], classic, 8 * GIB, "avx2", [64])).toEqual([64]);
    expect(planScales([scale], classic, needed, "avx2", [64])).toEqual([64]);
    expect(planScales([scale], classic, needed - 1, "avx2", [64])[0]).toBeLessThan(64);
  });
});
