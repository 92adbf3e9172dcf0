import { expect, it } from "@jest/globals";
import { outage } from "./outage.ts";

it("Redis may be away: submissions are refused with a time to come again, and the running job goes on and is recorded", async () => {
  const report = await outage(4);
  expect(report.submissions).toBeGreaterThan(2);
  expect(report.refused_with_retry_after).toBe(report.submissions);
  expect(report.steps_during_outage).toBeGreaterThan(0);
  expect(report.running).toEqual({ status: "succeeded", attempts: 1, same_pixels: true });
  expect(report.waiting).toEqual({ status: "succeeded", attempts: 1 });
  expect(report.found).toBe(report.accepted);
}, 240_000);
