import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { Webhook } from "standardwebhooks";
import { type Job, unwrap } from "../../clients/typescript/index.ts";
import { connectForRequests } from "../../src/redis/connection.ts";
import { RedisKeys } from "../../src/redis/keys.ts";
import { TestDeployment } from "../support/harness/deployment.ts";
import type { ProgramProcess } from "../support/harness/program.ts";
import { connected } from "../support/harness/redis.ts";
import type { TestClient } from "../support/harness/test-client.ts";
import { WebhookReceiver } from "../support/harness/webhook-receiver.ts";
import { jpeg } from "../support/pictures.ts";
import { until } from "../support/until.ts";

let deployment: TestDeployment;
let receiver: WebhookReceiver;
let api: ProgramProcess;
let client: TestClient;
beforeAll(async () => {
  deployment = await TestDeployment.create();
  await startApi();
});
beforeEach(async () => {
  receiver = await WebhookReceiver.start();
});
afterEach(() => receiver.stop());
afterAll(() => deployment.close());

async function startApi(): Promise<void> {
  ({ api, client } = await deployment.startApi({ URL_ALLOWED_NETWORKS: "127.0.0.1/32" }));
}

type Events = NonNullable<Job["webhook"]>["events"];

async function submit(url: string, events?: Events): Promise<Job> {
  const blob = async (seed: number) => new Blob([new Uint8Array(await jpeg({ seed }))]);
  const body = {
    ...{ content: await blob(1), style: [await blob(2)], options: { size: 64, steps: 2 } },
    webhook: { url, ...(events && { events }) } as { url: string; events: Events },
  };
  return await unwrap(client.api.POST("/v1/jobs", { body }));
}

const params = (id: string) => ({ params: { path: { id } } });
const view = (id: string) => unwrap(client.api.GET("/v1/jobs/{id}", params(id)));
const cancel = (id: string) => unwrap(client.api.POST("/v1/jobs/{id}/cancel", params(id)));
const secrets = async () =>
  (await unwrap(client.api.GET("/v1/webhooks/secret"))).secrets.map(({ secret }) => secret);

/** Waits until the job has this many delivery attempts. */
async function delivered(id: string, count: number): Promise<NonNullable<Job["webhook"]>> {
  return await until(async () => {
    const { webhook } = await view(id);
    return webhook && webhook.deliveries.length >= count && webhook;
  });
}

/** The number of attempts with this outcome, from the metrics. */
async function attempts(outcome: "delivered" | "retry" | "exhausted"): Promise<number> {
  const authorization = `Bearer ${await deployment.createKey("admin")}`;
  const text = await (await client.fetch("/metrics", { headers: { authorization } })).text();
  return Number(
    new RegExp(`^nst_webhook_attempts_total\\{outcome="${outcome}"\\} (\\d+)$`, "m").exec(text)?.[1],
  );
}

describe("A job's webhook", () => {
  it("is delivered although the event before it cannot be read", async () => {
    const unreadable = { event: "job.failed", at: 0, fields: ["id", '"no id"'] };
    const redis = await connected(connectForRequests(deployment.redis.url));
    const { outbox } = new RedisKeys("nst");
    await redis.rpush(outbox, JSON.stringify(unreadable));
    try {
      const job = await submit(receiver.url, ["job.queued"]);
      const [event] = await receiver.events(1);
      expect(event?.data.id).toBe(job.id);
      await cancel(job.id);
      expect(await redis.llen(outbox)).toBe(0);
    } finally {
      await redis.del(outbox);
      redis.disconnect();
    }
  });

  it("receives the selected events, with signatures that a receiver's library verifies", async () => {
    const job = await submit(receiver.url, ["job.queued", "job.canceled"]);
    await cancel(job.id);
    const events = await receiver.events(2);
    expect(events.map(({ type }) => type).sort()).toEqual(["job.canceled", "job.queued"]);
    expect(events.map(({ data }) => [data.id, data.status]).sort()).toEqual([
      [job.id, "canceled"],
      [job.id, "queued"],
    ]);
    const [secret = ""] = await secrets();
    for (const { headers, body } of receiver.received) {
      expect(new Webhook(secret).verify(body, headers as Record<string, string>)).toEqual(JSON.parse(body));
      expect(() => new Webhook(secret).verify(`${body} `, headers as Record<string, string>)).toThrow();
      expect(headers.traceparent).toBe(job.traceparent);
    }
    const ids = receiver.received.map(({ headers }) => headers["webhook-id"]);
    expect(new Set(ids).size).toBe(2);
    const { deliveries } = await delivered(job.id, 2);
    expect(deliveries.map(({ id }) => id).sort()).toEqual([...ids].sort());
    expect(deliveries).toContainEqual(
      expect.objectContaining({
        event: "job.canceled",
        attempt: 1,
        status: 204,
        error: null,
        next_attempt_at: null,
      }),
    );
  });

  it("receives the end of the job by default, even if the job is deleted at once", async () => {
    const job = await submit(receiver.url);
    await client.api.DELETE("/v1/jobs/{id}", params(job.id));
    const [event] = await receiver.events(1);
    expect(event).toMatchObject({ type: "job.canceled", data: { id: job.id } });
  });

  it("receives the same message again after a failure, and the job view has the attempts", async () => {
    receiver.answer = () => (receiver.received.length < 2 ? 500 : 200);
    const job = await submit(receiver.url, ["job.queued"]);
    await receiver.events(2);
    const [first, second] = receiver.received;
    expect(second?.headers["webhook-id"]).toBe(first?.headers["webhook-id"]);
    expect(second?.body).toBe(first?.body);
    const { deliveries } = await delivered(job.id, 2);
    expect(deliveries[0]).toMatchObject({ attempt: 1, status: 500, error: expect.stringContaining("500") });
    const { at = "", duration_ms = 0, next_attempt_at } = deliveries[0] ?? {};
    const pause = Date.parse(next_attempt_at ?? "") - Date.parse(at) - duration_ms;
    // The first delay is 5 s with a jitter of 10 %.
    expect(pause).toBeGreaterThan(4_490);
    expect(pause).toBeLessThan(5_510);
    expect(deliveries[1]).toMatchObject({ attempt: 2, status: 200, error: null, next_attempt_at: null });
  });

  it("receives nothing more after a 410, and redirects are not followed", async () => {
    receiver.answer = ({ body }) => (JSON.parse(body).type === "job.queued" ? 410 : 302);
    const before = { retry: await attempts("retry"), exhausted: await attempts("exhausted") };
    const job = await submit(receiver.url, ["job.queued", "job.canceled"]);
    await delivered(job.id, 1);
    await cancel(job.id);
    const { deliveries } = await delivered(job.id, 2);
    expect(deliveries[0]).toMatchObject({ status: 410, next_attempt_at: null });
    expect(deliveries[1]).toMatchObject({ status: 302, next_attempt_at: expect.any(String) });
    await until(async () => (await attempts("retry")) === before.retry + 1);
    expect(await attempts("exhausted")).toBe(before.exhausted + 1);
  });

  it("receives events of an API process that was killed before it could send them", async () => {
    const { url, port } = receiver;
    await receiver.stop();
    const job = await submit(url, ["job.queued"]);
    api.kill("SIGKILL");
    receiver = await WebhookReceiver.start(port);
    await startApi();
    // If the process had taken the event already, its lock must expire first.
    expect(await receiver.events(1, 110_000)).toEqual([expect.objectContaining({ type: "job.queued" })]);
    expect((await delivered(job.id, 1)).deliveries.at(-1)).toMatchObject({ status: 204 });
  });

  it.each([
    ["another scheme", "ftp://example.com/"],
    ["a private address", "http://10.0.0.1/hook"],
    ["credentials", "https://user:secret@example.com/"],
    ["an invalid format", "example"],
  ])("is rejected if its URL has %s", async (_, url) => {
    const picture = { base64: "AAAA" };
    const body = { content: picture, style: picture, webhook: { url, events: ["job.failed" as const] } };
    const { error, response } = await client.api.POST("/v1/jobs", { body });
    expect([response.status, error?.code]).toEqual([422, "url_not_allowed"]);
    const tested = await client.api.POST("/v1/webhooks/test", { body: { url } });
    expect([tested.response.status, tested.error?.code]).toEqual([422, "url_not_allowed"]);
  });
});

describe("The webhook secrets", () => {
  it("stay the same until a rotation, after which the old one also signs", async () => {
    const [before = ""] = await secrets();
    expect(await secrets()).toEqual([before]);
    const rotated = (await unwrap(client.api.POST("/v1/webhooks/secret/rotate"))).secrets;
    expect(rotated.map(({ secret }) => secret)).toEqual([
      expect.not.stringContaining(before.slice(6, 20)),
      before,
    ]);
    expect(rotated[1]?.expires_at).not.toBeNull();
    const result = await unwrap(client.api.POST("/v1/webhooks/test", { body: { url: receiver.url } }));
    expect(result).toMatchObject({ delivered: true, status: 204, error: null });
    const [{ headers, body } = { headers: {}, body: "" }] = receiver.received;
    for (const { secret } of rotated) {
      const event = new Webhook(secret).verify(body, headers as Record<string, string>);
      expect(event).toMatchObject({ type: "webhook.test", data: {} });
    }
  });

  it("a test message reports what failed", async () => {
    receiver.answer = () => 503;
    const rejected = await unwrap(client.api.POST("/v1/webhooks/test", { body: { url: receiver.url } }));
    expect(rejected).toMatchObject({ delivered: false, status: 503, error: expect.stringContaining("503") });
    const away = await unwrap(client.api.POST("/v1/webhooks/test", { body: { url: "http://127.0.0.1:9/" } }));
    expect(away).toMatchObject({ delivered: false, status: null, error: expect.stringContaining("reached") });
  });
});
