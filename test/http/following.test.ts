import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "@jest/globals";
import type { JobView, Progress } from "../../src/contract/job.ts";
import type { JobRun } from "../../src/queue/worker/job-run.ts";
import { EventReader } from "../support/event-stream.ts";
import { succeed, TestPainter } from "../support/painter.ts";
import { jpeg } from "../support/pictures.ts";
import { TestService } from "../support/service.ts";
import { form } from "../support/submission-form.ts";

let service: TestService;
let painter: TestPainter | null = null;
beforeAll(async () => {
  service = await TestService.start({ HEARTBEAT_SECONDS: "1", MAX_WAIT_SECONDS: "3" });
});
afterEach(async () => {
  await painter?.stop();
  painter = null;
  await service.redis.flushall();
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
const progress = (step: number): Progress => ({
  step,
  total_steps: 3,
  fraction: step / 3,
  scale: { index: 0, count: 1, width: 64, height: 48 },
  loss: { total: 3 / step, content: 1 / step, style: 2 / step, tv: 0 },
  step_ms: 5,
  eta_seconds: 1,
});
/** Three steps, each with a preview and the losses so far; `beforeStep` holds it up. */
function steps(beforeStep: (step: number) => Promise<unknown>) {
  return async (run: JobRun) => {
    const folder = `jobs/${run.record.id}/run`;
    let lines = "";
    for (let step = 1; step <= 3; step += 1) {
      await beforeStep(step);
      if (run.signal.aborted) return { type: "stopped" as const };
      const bytes = await jpeg({ seed: step });
      await service.store.put(`${folder}/preview`, bytes);
      lines += `${JSON.stringify({ step, scale: 0, objective: 0, ...progress(step).loss })}\n`;
      await service.store.put(`${folder}/losses`, Buffer.from(lines));
      const preview = {
        key: `${folder}/preview`,
        media_type: "image/jpeg",
        bytes: bytes.length,
        width: 64,
        height: 48,
        step,
      };
      await run.update({ progress: progress(step), preview, losses: `${folder}/losses` });
    }
    return await succeed(service, run);
  };
}
/** A gate that lets one through for each `open`. */
function gate() {
  let count = 0;
  const waiting: (() => void)[] = [];
  return {
    pass: () =>
      count > 0 ? Promise.resolve(count--) : new Promise<void>((resolve) => waiting.push(resolve)),
    open: () => {
      const next = waiting.shift();
      if (next) next();
      else count += 1;
    },
  };
}

describe("Prefer: wait", () => {
  it("holds the answer back until the job ends", async () => {
    painter = TestPainter.start(
      service,
      steps(() => sleep(50)),
    );
    const response = await post({ prefer: "respond-async, wait=100" });
    expect(response.status).toBe(200);
    expect(response.headers.get("preference-applied")).toBe("wait=3");
    expect(response.headers.get("retry-after")).toBeNull();
    expect(await response.json()).toMatchObject({ status: "succeeded" });
  });

  it("gives the job as it is when the time is over", async () => {
    const before = Date.now();
    const response = await post({ prefer: "wait=1" });
    expect(Date.now() - before).toBeGreaterThanOrEqual(990);
    expect(response.status).toBe(202);
    expect(response.headers.get("preference-applied")).toBe("wait=1");
    expect(response.headers.get("location")).toMatch(/^\/v1\/jobs\//);
    expect(await response.json()).toMatchObject({ status: "queued" });
  });

  it("is not applied where it is none", async () => {
    const response = await post({ prefer: "wait=soon" });
    expect(response.status).toBe(202);
    expect(response.headers.get("preference-applied")).toBeNull();
  });
});

describe("Events", () => {
  it("tell a job's whole story, in order, and end", async () => {
    const job = await submit();
    const { pass, open } = gate();
    painter = TestPainter.start(service, steps(pass));
    const response = await service.fetch(`${job}/events`);
    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toBe("text/event-stream");
    const reader = new EventReader(response);
    const story: string[] = [];
    const ids: number[] = [];
    for (let event = await reader.next(); event; event = await reader.next()) {
      const data = event.data as { status?: string; step?: number; reason?: string };
      story.push(`${event.event} ${data.status ?? data.reason ?? data.step}`);
      ids.push(Number(event.id));
      if (event.event === "preview" || data.status === "running") open();
    }
    expect(story.filter((line) => line !== "status queued")).toEqual([
      ...["status running", "progress 1", "preview 1", "progress 2", "preview 2", "progress 3", "preview 3"],
      ...["status succeeded", "end succeeded"],
    ]);
    expect([...ids].sort((a, b) => a - b)).toEqual(ids);
  });

  it("go on after the last one that was seen, and are over for one who has seen the end", async () => {
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

  it("are kept alive while nothing happens", async () => {
    const job = await submit();
    const reader = new EventReader(await service.fetch(`${job}/events`));
    await reader.next();
    const waiting = reader.next();
    await sleep(2500);
    await service.fetch(`${job}/cancel`, { method: "POST" });
    await waiting;
    expect(reader.comments).toBeGreaterThanOrEqual(2);
    await reader.rest();
  });

  it("tell that the job was deleted", async () => {
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

  it("leave nothing behind when clients go", async () => {
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
    for (let tries = 0; tries < 100 && (await channels()).length > 0; tries += 1) await sleep(20);
    expect(await channels()).toEqual([]);
  });

  it("of no job are not found", async () => {
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

describe("A preview", () => {
  it("is the latest picture, and is not sent again before there is another", async () => {
    const job = await submit();
    const early = await service.fetch(`${job}/preview`);
    expect(early.status).toBe(409);
    expect(await early.json()).toMatchObject({ code: "preview_not_ready", retryable: true });

    const { pass, open } = gate();
    painter = TestPainter.start(service, steps(pass));
    const preview = async (step: number) => {
      open();
      for (let found = 0; found !== step; await sleep(10)) {
        found = ((await (await service.fetch(job)).json()) as JobView).progress?.step ?? 0;
      }
      return await service.fetch(`${job}/preview`);
    };
    const first = await preview(1);
    expect(first.status).toBe(200);
    expect(first.headers.get("content-type")).toBe("image/jpeg");
    expect(Buffer.from(await first.arrayBuffer()).equals(await jpeg({ seed: 1 }))).toBe(true);
    const etag = first.headers.get("etag") ?? "";
    const again = () => service.fetch(`${job}/preview`, { headers: { "if-none-match": etag } });
    expect((await again()).status).toBe(304);
    await preview(2);
    expect((await again()).status).toBe(200);
    const { links } = (await (await service.fetch(job)).json()) as JobView;
    expect(links).toMatchObject({
      preview: `${job}/preview`,
      losses: `${job}/losses`,
      events: `${job}/events`,
    });
    open();
  });

  it("never comes of a job that ended without", async () => {
    const job = await submit();
    await service.fetch(`${job}/cancel`, { method: "POST" });
    const response = await service.fetch(`${job}/preview`);
    expect(response.status).toBe(409);
    expect(await response.json()).toMatchObject({ code: "no_preview", retryable: false });
  });
});

describe("Losses", () => {
  it("come as JSON, or as a plot of them", async () => {
    const job = await submit();
    const none = await service.fetch(`${job}/losses`);
    expect(await none.json()).toEqual({ losses: [] });
    painter = TestPainter.start(
      service,
      steps(() => Promise.resolve()),
    );
    for (let status = ""; status !== "succeeded"; await sleep(10)) {
      ({ status } = (await (await service.fetch(job)).json()) as JobView);
    }
    const response = await service.fetch(`${job}/losses`);
    expect(await response.json()).toEqual({
      losses: [1, 2, 3].map((step) => ({ step, scale: 0, objective: 0, ...progress(step).loss })),
    });
    const etag = response.headers.get("etag") ?? "";
    expect((await service.fetch(`${job}/losses`, { headers: { "if-none-match": etag } })).status).toBe(304);

    const plot = await service.fetch(`${job}/losses`, { headers: { accept: "image/svg+xml" } });
    expect(plot.headers.get("content-type")).toBe("image/svg+xml");
    const svg = await plot.text();
    expect(svg).toMatch(/^<svg xmlns/);
    expect(svg.match(/<polyline/g)).toHaveLength(4);
    const html = await service.fetch(`${job}/losses`, { headers: { accept: "text/html" } });
    expect(html.status).toBe(406);
  });
});
