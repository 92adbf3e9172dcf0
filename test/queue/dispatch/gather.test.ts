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

  it("waits as long as each turn of the event loop brings more", async () => {
    const asked: string[][] = [];
    const look = gather(async (keys) => {
      asked.push(keys);
      return keys;
    });
    const questions: Promise<string>[] = [];
    for (const key of ["a", "b", "c"]) {
      questions.push(look(key));
      await new Promise(setImmediate);
    }
    await Promise.all(questions);
    expect(asked).toEqual([["a", "b", "c"]]);
  });

  it("is answered one by one where one takes longer, or fails", async () => {
    const look = gather<string>(async (keys) =>
      keys.map((key) => (key === "bad" ? Promise.reject(new Error("unreadable")) : key)),
    );
    const [bad, good] = await Promise.allSettled([look("bad"), look("good")]);
    expect(bad).toMatchObject({ status: "rejected", reason: { message: "unreadable" } });
    expect(good).toEqual({ status: "fulfilled", value: "good" });
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
