import { afterAll, beforeAll, expect, it } from "@jest/globals";
import { TestDeployment } from "../support/harness/deployment.ts";

/** More than a worker paints until its first checkpoint. */
const STEPS = 120;

let deployment: TestDeployment;
beforeAll(async () => {
  deployment = await TestDeployment.create();
});
afterAll(() => deployment.close());

it("A job whose weights were changed keeps the new weights after its worker was killed", async () => {
  const first = await deployment.startWorker({ LOCK_SECONDS: "1" });
  const { id } = await deployment.submit({ steps: STEPS, preview_interval: 0 });
  await deployment.until(id, ({ checkpoint }) => checkpoint !== null);
  const options_version = await deployment.queue.updateOptions(id, { style_weight: 900 });
  await first.line(({ msg, options_version: count }) => msg === "options changed" && count === 1);
  await first.end("SIGKILL");
  await deployment.startWorker({ LOCK_SECONDS: "1" });
  const record = await deployment.untilEnded(id);
  expect(record).toMatchObject({
    status: "succeeded",
    options_version: 1,
    options: options_version?.options,
  });
  const lines = Buffer.from(await deployment.store.read(record.losses ?? ""))
    .toString()
    .trim()
    .split("\n");
  const entries = lines.map((line) => JSON.parse(line) as { step: number; objective: number });
  expect(entries.map(({ step }) => step)).toEqual(Array.from({ length: STEPS }, (_, index) => index + 1));
  const change = entries.findIndex(({ objective }) => objective === 1);
  expect(change).toBeGreaterThan(0);
  expect(entries.slice(change).every(({ objective }) => objective === 1)).toBe(true);
});
