import { afterAll, afterEach, beforeAll, describe, expect, it } from "@jest/globals";
import type { Job } from "../../clients/typescript/index.ts";
import { TestDeployment } from "../support/harness/deployment.ts";
import { positionOf } from "../support/jobs.ts";
import { form } from "../support/submission-form.ts";
import { until } from "../support/until.ts";

let deployment: TestDeployment;
beforeAll(async () => {
  deployment = await TestDeployment.create();
});
afterEach(() => deployment.stopPrograms());
afterAll(() => deployment.close());

describe("While Redis is down", () => {
  it("requests get a 503, /readyz says why, and /livez still answers 200", async () => {
    const { client } = await deployment.startApi();
    const { id } = await client.submitSmall();
    await deployment.redis.kill();
    try {
      expect((await client.get(`/v1/jobs/${id}`)).status).toBe(503);
      expect((await client.get("/livez")).status).toBe(200);
      expect((await client.get("/readyz")).status).toBe(503);
    } finally {
      await deployment.redis.start();
    }
  });
});

describe("While Redis hangs", () => {
  it("requests get a 503 instead of hanging, and work again when Redis answers", async () => {
    const { client } = await deployment.startApi();
    const { id } = await client.submitSmall();
    deployment.redis.freeze();
    try {
      expect((await client.get(`/v1/jobs/${id}`)).status).toBe(503);
    } finally {
      deployment.redis.thaw();
    }
    await until(async () => (await client.get(`/v1/jobs/${id}`)).ok);
  });
});

describe("After Redis was killed and restarted on its append-only file", () => {
  it("jobs, their queue positions and idempotency keys are unchanged", async () => {
    const { client } = await deployment.startApi();
    const post = async () =>
      client.fetch("/v1/jobs", {
        method: "POST",
        body: await form({ options: '{"size":32,"steps":5}' }),
        headers: { "idempotency-key": "before-the-crash" },
      });
    const first = (await (await post()).json()) as Job;
    const canceled = await client.submitSmall();
    await deployment.queue.cancel(canceled.id);
    const last = await client.submitSmall();
    const state = async () => ({
      jobs: await deployment.queue.list({ limit: 1000 }),
      positions: await Promise.all([first, canceled, last].map(({ id }) => positionOf(deployment.queue, id))),
    });
    const before = await state();
    await deployment.redis.kill();
    await deployment.redis.start();
    expect(await until(() => state().catch(() => null))).toEqual(before);
    const again = await until(async () => {
      const answer = await post();
      return answer.status !== 503 && answer;
    });
    expect(again.headers.get("idempotency-replayed")).toBe("true");
    expect(((await again.json()) as Job).id).toBe(first.id);
    await deployment.startWorker();
    for (const { id } of [first, last]) {
      expect(await deployment.untilEnded(id)).toMatchObject({ status: "succeeded", attempts: 1 });
    }
    expect(await deployment.queue.find(canceled.id)).toMatchObject({ status: "canceled" });
  });
});
