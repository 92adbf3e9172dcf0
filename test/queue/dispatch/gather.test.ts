import { describe, expect, it } from "@jest/globals";
import { gather } from "../../../src/queue/dispatch/gather.ts";

describe("What is gathered", () => {
  it("goes out together, each key once, and each gets its own answer", async () => {
    const asked: string[][] = [];
    const look = gather(async (keys) => {
      asked.push(keys);
      return keys.map((key) => key.toUpperCase());
    });
    expect(await Promise.all(["a", "b", "a"].map(look))).toEqual(["A", "B", "A"]);
    expect(asked).toEqual([["a", "b"]]);
  });

  it("is asked anew where it comes after the question went out", async () => {
    const later: Promise<number>[] = [];
    let count = 0;
    const look = gather(async (keys) => {
      count += 1;
      const answer = count;
      if (answer === 1) later.push(look("a"));
      return keys.map(() => answer);
    });
    expect(await look("a")).toBe(1);
    expect(await Promise.all(later)).toEqual([2]);
  });

  it("goes in several exchanges where it is much", async () => {
    const sizes: number[] = [];
    const look = gather(async (keys) => {
      sizes.push(keys.length);
      return keys;
    });
    const keys = Array.from({ length: 120 }, (_, index) => String(index));
    expect(await Promise.all(keys.map(look))).toEqual(keys);
    expect(sizes).toEqual([50, 50, 20]);
  });

  it("fails alone where its exchange fails, and the next one is asked", async () => {
    let isDown = true;
    const look = gather(async (keys) => {
      if (isDown) throw new Error("Connection is closed.");
      return keys;
    });
    await expect(Promise.all([look("a"), look("b")])).rejects.toThrow("Connection is closed.");
    isDown = false;
    expect(await look("c")).toBe("c");
  });
});
