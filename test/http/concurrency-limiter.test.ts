import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { ConcurrencyLimiter } from "../../src/http/concurrency-limiter.ts";

const never = new AbortController().signal;

describe("A concurrency limiter", () => {
  it("allows one owner half of the limit and others the rest", () => {
    const limiter = new ConcurrencyLimiter(4);
    expect(limiter.acquire("a", never)).not.toBeNull();
    expect(limiter.acquire("a", never)).not.toBeNull();
    expect(limiter.acquire("a", never)).toBeNull();
    expect(limiter.acquire("b", never)).not.toBeNull();
    expect(limiter.acquire(null, never)).not.toBeNull();
    expect(limiter.acquire("b", never)).toBeNull();
  });

  it("allows every owner one slot", () => {
    expect(new ConcurrencyLimiter(1).acquire("a", never)).not.toBeNull();
  });

  it("has as many slots in use as requests that have neither released theirs nor ended", () => {
    const step = fc.record({ request: fc.nat(5), way: fc.constantFrom("acquire", "release", "end") });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const limiter = new ConcurrencyLimiter(100);
        const ends = Array.from({ length: 6 }, () => new AbortController());
        const releases = ends.map((): (() => void)[] => []);
        const held = ends.map(() => 0);
        for (const { request, way } of steps) {
          const end = ends[request] as AbortController;
          if (way === "acquire") {
            releases[request]?.push(limiter.acquire("owner", end.signal) as () => void);
            // A client that has disconnected already keeps nothing.
            held[request] = (held[request] ?? 0) + (end.signal.aborted ? 0 : 1);
          } else {
            if (way === "end") end.abort();
            else for (const release of releases[request] ?? []) release();
            held[request] = 0;
          }
          expect(limiter.inUse).toBe(held.reduce((sum, count) => sum + count, 0));
        }
        for (const end of ends) end.abort();
        expect(limiter.inUse).toBe(0);
      }),
    );
  });
});
