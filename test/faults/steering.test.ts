import { afterAll, beforeAll, expect, it } from "@jest/globals";
import { WorkerSetting } from "../support/worker-setting.ts";

let setting: WorkerSetting;
beforeAll(async () => {
  setting = await WorkerSetting.create();
});
afterAll(() => setting.close());

it("A job that was steered goes on with its new weights after its worker's death", async () => {
  const first = await setting.startWorker();
  const { id } = await setting.submit({ size: 96, steps: 300, scales: 1, preview_interval: 0 });
  await setting.until(id, ({ checkpoint }) => checkpoint !== null);
  const steered = await setting.queue.steer(id, { style_weight: 900 });
  await first.line(({ msg, steered: count }) => msg === "steered" && count === 1);
  await first.end("SIGKILL");
  await setting.startWorker();
  const record = await setting.untilEnded(id);
  expect(record).toMatchObject({ status: "succeeded", steered: 1, options: steered?.options });
  const lines = Buffer.from(await setting.store.read(record.losses ?? ""))
    .toString()
    .trim()
    .split("\n");
  const entries = lines.map((line) => JSON.parse(line) as { step: number; objective: number });
  expect(entries.map(({ step }) => step)).toEqual(Array.from({ length: 300 }, (_, index) => index + 1));
  const change = entries.findIndex(({ objective }) => objective === 1);
  expect(change).toBeGreaterThan(0);
  expect(entries.slice(change).every(({ objective }) => objective === 1)).toBe(true);
});
