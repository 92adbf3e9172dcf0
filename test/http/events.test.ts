import type { Socket } from "node:net";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "@jest/globals";
import type { JobView } from "../../src/contract/job.ts";
import { EventReader } from "../support/event-stream.ts";
import { semaphore, threeSteps } from "../support/fake-job-processors.ts";
import { TestService } from "../support/harness/service.ts";
import { form } from "../support/submission-form.ts";
import { until } from "../support/until.ts";

let service: TestService;
beforeAll(async () => {
  service = await TestService.start({ HEARTBEAT_SECONDS: "1", MAX_WAIT_SECONDS: "3" });
});
afterEach(async () => {
  await service.clear();
});
afterAll(() => service.stop());

async function post(headers: Record<string, string> = {}): Promise<Response> {
  return await service.fetch("/v1/jobs", {
    method: "POST",
    body: await form({ options: '{"size":64}' }),
    headers,
  });
}
async function submit(): Promise<string> {
  return ((await (await post()).json()) as JobView).links.self ?? "";
}
describe("Prefer: wait", () => {
  it("delays the response until the job ends", async () => {
    service.startWorker(threeSteps(service));
    const response = await post({ prefer: "respond-async, wait=100" });
    expect(response.status).toBe(200);
    expect(response.headers.get("preference-applied")).toBe("wait=3");
    expect(response.headers.get("retry-after")).toBeNull();
    expect(await response.json()).toMatchObject({ status: "succeeded" });
  });

  it("returns the current job when the time is over", async () => {
    const response = await post({ prefer: "wait=1" });
    expect(response.status).toBe(202);
    expect(response.headers.get("preference-applied")).toBe("wait=1");
    expect(response.headers.get("location")).toMatch(/^\/v1\/jobs\//);
    expect(await response.json()).toMatchObject({ status: "queued" });
  });

  it("leaves no listeners on a connection that is reused", async () => {
    const sockets = new Set<Socket>();
    service.app.server.on("request", ({ socket }) => sockets.add(socket));
    const listeners = async () => {
      await (await post({ prefer: "wait=0" })).text();
      return [...sockets].reduce((sum, socket) => sum + socket.listenerCount("close"), 0) / sockets.size;
    };
    const first = await listeners();
    for (let times = 0; times < 3; times += 1) expect(await listeners()).toBe(first);
  });

  it("is ignored if it is malformed", async () => {
    const response = await post({ prefer: "wait=soon" });
    expect(response.status).toBe(202);
    expect(response.headers.get("preference-applied")).toBeNull();
  });
});

describe("Events", () => {
  it("report all changes of a job in order, and then end", async () => {
    const job = await submit();
    const { acquire, release } = semaphore();
    service.startWorker(threeSteps(service, acquire));
    const response = await service.fetch(`${job}/events`);
    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toBe("text/event-stream");
    const reader = new EventReader(response);
    const received: string[] = [];
    const ids: number[] = [];
    for (let event = await reader.next(); event; event = await reader.next()) {
      const data = event.data as { status?: string; step?: number; reason?: string };
      received.push(`${event.event} ${data.status ?? data.reason ?? data.step}`);
      ids.push(Number(event.id));
      if (event.event === "preview" || data.status === "running") release();
    }
    expect(received.filter((line) => line !== "status queued")).toEqual([
      ...["status running", "progress 1", "preview 1", "progress 2", "preview 2", "progress 3", "preview 3"],
      ...["status succeeded", "end succeeded"],
    ]);
    expect([...ids].sort((a, b) => a - b)).toEqual(ids);
  });

  it("resume after Last-Event-ID, and respond with 204 after the end", async () => {
    const job = await submit();
    const first = new EventReader(await service.fetch(`${job}/events`));
    const queued = await first.next();
    expect(queued).toMatchObject({ event: "status", data: { status: "queued", queue: { position: 0 } } });
    await first.cancel();
    await service.fetch(`${job}/cancel`, { method: "POST" });
    const again = await service.fetch(`${job}/events`, { headers: { "last-event-id": queued?.id ?? "" } });
    const events = await new EventReader(again).rest();
    expect(events.map(({ event }) => event)).toEqual(["status", "end"]);
    const over = await service.fetch(`${job}/events`, {
      headers: { "last-event-id": events.at(-1)?.id ?? "" },
    });
    expect(over.status).toBe(204);
  });

  it("have heartbeats while nothing changes", async () => {
    const job = await submit();
    const reader = new EventReader(await service.fetch(`${job}/events`));
    await reader.next();
    const waiting = reader.next();
    await until(() => reader.comments >= 2);
    await service.fetch(`${job}/cancel`, { method: "POST" });
    await waiting;
    await reader.rest();
  });

  it("report that the job has been deleted", async () => {
    const job = await submit();
    const reader = new EventReader(await service.fetch(`${job}/events`));
    await reader.next();
    await service.fetch(job, { method: "DELETE" });
    const events = await reader.rest();
    expect(events.at(-1)).toMatchObject({
      event: "end",
      data: { reason: expect.stringMatching(/deleted|canceled/) },
    });
  });

  it("unsubscribe from Redis when the clients disconnect", async () => {
    const job = await submit();
    const channels = async () =>
      ((await service.redis.pubsub("CHANNELS", "*")) as string[]).filter((name) =>
        name.includes(job.slice(9)),
      );
    const readers = await Promise.all(
      Array.from({ length: 20 }, async () => new EventReader(await service.fetch(`${job}/events`))),
    );
    for (const reader of readers) await reader.next();
    expect(await channels()).toHaveLength(1);
    for (const reader of readers) await reader.cancel();
    await until(async () => (await channels()).length === 0);
  });

  it("respond with 404 for a job that does not exist", async () => {
    expect((await service.fetch("/v1/jobs/none/events")).status).toBe(404);
  });

  it("end when the service stops", async () => {
    const other = await TestService.start();
    const response = await other.fetch("/v1/jobs", { method: "POST", body: await form() });
    const { links } = (await response.json()) as JobView;
    const reader = new EventReader(await other.fetch(links.events ?? ""));
    await reader.next();
    const [rest] = await Promise.all([reader.rest(), other.stop()]);
    expect(rest).toEqual([]);
  });
});
