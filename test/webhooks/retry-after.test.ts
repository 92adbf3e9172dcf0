import { expect, it } from "@jest/globals";
import { ProblemError } from "../../clients/typescript/problem-error.ts";
import { retryAfterSeconds } from "../../src/webhooks/post-json.ts";

it.each([
  ["120", 120],
  ["Tue, 01 Dec 2026 12:00:30 GMT", 30],
  ["Tue, 01 Dec 2026 11:00:00 GMT", 0],
  ["soon", null],
  [undefined, null],
])("reads the Retry-After %s of a receiver", (header, seconds) => {
  expect(retryAfterSeconds(header, Date.parse("2026-12-01T12:00:00Z"))).toBe(seconds);
});

it("reads a Retry-After that is a date in the client", () => {
  const date = new Date(Date.now() + 60_000).toUTCString();
  const { retryAfter } = new ProblemError(
    new Response(null, { status: 503, headers: { "retry-after": date } }),
    null,
  );
  expect(retryAfter).toBeGreaterThan(50);
  expect(retryAfter).toBeLessThanOrEqual(60);
});
