import { describe, expect, it } from "@jest/globals";
import { ConcurrencyLimiter } from "../../src/http/concurrency-limiter.ts";

describe("A concurrency limiter", () => {
  it("allows one owner half of the limit and others the rest", () => {
    const limiter = new ConcurrencyLimiter(4);
    expect(limiter.acquire("a")).not.toBeNull();
    expect(limiter.acquire("a")).not.toBeNull();
    expect(limiter.acquire("a")).toBeNull();
    expect(limiter.acquire("b")).not.toBeNull();
    expect(limiter.acquire(null)).not.toBeNull();
    expect(limiter.acquire("b")).toBeNull();
  });

  it("allows again what was released, once however often release is called", () => {
    const limiter = new ConcurrencyLimiter(4);
    const release = limiter.acquire("a");
    limiter.acquire("a");
    release?.();
    release?.();
    expect(limiter.acquire("a")).not.toBeNull();
    expect(limiter.acquire("a")).toBeNull();
  });

  it("counts amounts", () => {
    const limiter = new ConcurrencyLimiter(10);
    const release = limiter.acquire(null, 8);
    expect(limiter.acquire(null, 3)).toBeNull();
    expect(limiter.acquire(null, 2)).not.toBeNull();
    release?.();
    expect(limiter.acquire(null, 9)).toBeNull();
    expect(limiter.acquire(null, 8)).not.toBeNull();
  });

  it("allows every owner the minimum, even if it is more than half", () => {
    expect(new ConcurrencyLimiter(1).acquire("a")).not.toBeNull();
    expect(new ConcurrencyLimiter(10, 8).acquire("a", 8)).not.toBeNull();
  });
});
