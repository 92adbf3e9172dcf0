import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "@jest/globals";
import type { Job } from "../../clients/typescript/index.ts";
import { startApi, submitSmall } from "../support/api-process.ts";
import { positionOf } from "../support/jobs.ts";
import { form } from "../support/submission-form.ts";
import { WorkerSetting } from "../support/worker-setting.ts";

let setting: WorkerSetting;
beforeAll(async () => {
  setting = await WorkerSetting.create();
});
afterEach(() => setting.stopPrograms());
afterAll(() => setting.close());

describe("When Redis is away", () => {
  it("whoever asks is told so, and the process is alive", async () => {
    const { client } = await startApi(setting);
    const { id } = await submitSmall(client);
    await setting.redis.kill();
    try {
      expect((await client.get(`/v1/jobs/${id}`)).status).toBe(503);
      expect((await client.get("/livez")).status).toBe(200);
      expect((await client.get("/readyz")).status).toBe(503);
    } finally {
      await setting.redis.start();
    }
  });
});

describe("When Redis stands still and then goes on", () => {
  it("requests are refused after a few seconds instead of hanging", async () => {
    const { client } = await startApi(setting);
    const { id } = await submitSmall(client);
    setting.redis.freeze();
    const started = performance.now();
    try {
      expect((await client.get(`/v1/jobs/${id}`)).status).toBe(503);
      expect(performance.now() - started).toBeLessThan(9_000);
    } finally {
      setting.redis.thaw();
    }
    await sleep(200);
    expect((await client.view(id)).id).toBe(id);
  });
});

describe("When Redis is killed and started again on its append-only file", () => {
  it("every job, its place in the queue and every idempotency key are as they were", async () => {
    const { address, client } = await startApi(setting);
    const post = async () =>
      fetch(`${address}/v1/jobs`, {
        method: "POST",
        body: await form({ options: '{"size":64,"steps":5}' }),
        headers: { "idempotency-key": "before-the-crash" },
      });
    const first = (await (await post()).json()) as Job;
    const canceled = await submitSmall(client);
    await setting.queue.cancel(canceled.id);
    const last = await submitSmall(client);
    const state = async () => ({
      jobs: await setting.queue.list({ limit: 1000 }),
      positions: await Promise.all([first, canceled, last].map(({ id }) => positionOf(setting.queue, id))),
    });
    const before = await state();
    await setting.redis.kill();
    await setting.redis.start();
    let after = await state().catch(() => null);
    while (after === null) {
      await sleep(50);
      after = await state().catch(() => null);
    }
    expect(after).toEqual(before);
    let again = await post();
    while (again.status === 503) again = await post();
    expect(again.headers.get("idempotency-replayed")).toBe("true");
    expect(((await again.json()) as Job).id).toBe(first.id);
    await setting.startWorker();
    for (const { id } of [first, last]) {
      expect(await setting.untilEnded(id)).toMatchObject({ status: "succeeded", attempts: 1 });
    }
    expect(await setting.queue.find(canceled.id)).toMatchObject({ status: "canceled" });
  });
});
