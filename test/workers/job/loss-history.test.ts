import { describe, expect, it } from "@jest/globals";
import type { Progress } from "../../../src/contract/job.ts";
import { LossHistory } from "../../../workers/job/loss-history.ts";

const progress = (step: number): Progress => ({
  ...{ step, total_steps: 10, fraction: step / 10, step_ms: 1, eta_seconds: 1 },
  scale: { index: 0, count: 1, width: 64, height: 48 },
  loss: { total: 10 - step, parts: { content: 1, gram: 9 - step } },
});
const stepsOf = (history: LossHistory) =>
  Buffer.from(history.encode())
    .toString()
    .trim()
    .split("\n")
    .map((line) => (JSON.parse(line) as { step: number }).step);

describe("LossHistory", () => {
  it("continues from the checkpoint's step as if the attempt had not been interrupted", () => {
    const whole = new LossHistory();
    const interrupted = new LossHistory();
    for (let step = 1; step <= 5; step += 1) whole.add(progress(step), 0);
    for (let step = 1; step <= 4; step += 1) interrupted.add(progress(step), 0);
    // The checkpoint is of step 2: later steps are painted again.
    const resumed = new LossHistory(interrupted.encode(), 2);
    expect(stepsOf(resumed)).toEqual([1, 2]);
    for (let step = 3; step <= 5; step += 1) resumed.add(progress(step), 0);
    expect(resumed.encode()).toEqual(whole.encode());
  });

  it("has no entry for a step without a loss, and none after it is cleared", () => {
    const history = new LossHistory();
    history.add({ ...progress(1), loss: null }, 0);
    expect(history.encode()).toHaveLength(0);
    history.add(progress(2), 0);
    history.clear();
    expect(history.encode()).toHaveLength(0);
  });
});
