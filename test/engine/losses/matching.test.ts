import { describe, expect, it } from "@jest/globals";
import { balancedMatches, centredUnit, matchesBothWays } from "../../../workers/engine/losses/matching.ts";
import { type Tensor2D, tf } from "../../../workers/engine/tensorflow.ts";

describe("matching more positions than cosines are held of at once", () => {
  const [positions, styles] = [2500, 2000];
  const unit = (count: number, seed: number) =>
    centredUnit(tf.randomNormal([count, 8], 0, 1, "float32", seed) as Tensor2D).unit;
  const [picture, style] = [unit(positions, 1), unit(styles, 2)];
  const cosines = tf.matMul(picture, style, false, true).arraySync() as number[][];

  it("finds the position of the picture that is nearest to each of the style's", () => {
    const { nearest } = matchesBothWays(picture, style, 4, {});
    const expected = Array.from({ length: styles }, (_, s) => {
      const values = cosines.map((row) => row[s] as number);
      return values.indexOf(Math.max(...values));
    });
    expect([...nearest.dataSync()]).toEqual(expected);
  });

  it("finds none that a penalty excludes", () => {
    const penalty = tf.tensor2d(Array.from({ length: positions }, (_, p) => [p % 3 === 0 ? 0 : 4]));
    const { nearest } = matchesBothWays(picture, style, 4, {}, penalty);
    expect([...nearest.dataSync()].every((p) => p % 3 === 0)).toBe(true);
  });

  it("is the same whether the channels are one matrix or several", () => {
    const parts = (rows: Tensor2D) => [rows.slice([0, 0], [-1, 3]), rows.slice([0, 3], [-1, 5])];
    const [whole, split] = [
      balancedMatches([picture], [style], 6),
      balancedMatches(parts(picture), parts(style), 6),
    ].map((match) => [...match.dataSync()]) as [number[], number[]];
    const same = whole.filter((value, index) => value === split[index]).length;
    expect(same).toBeGreaterThan(0.999 * positions);
  });
});
