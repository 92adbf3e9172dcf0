import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "@jest/globals";
import { type JobEvent, Painter, ProblemError } from "../../../clients/typescript/index.ts";
import { PRESETS } from "../../../src/contract/presets.ts";
import { TestPainter } from "../../support/painter.ts";
import { jpeg } from "../../support/pictures.ts";
import { TestService } from "../../support/service.ts";
import { file } from "../../support/submission-form.ts";
import { progressAt } from "../../support/three-steps.ts";

let service: TestService;
let worker: TestPainter | null = null;
beforeAll(async () => {
  service = await TestService.start({ HEARTBEAT_SECONDS: "1" });
});
afterEach(async () => {
  await worker?.stop();
  worker = null;
  await service.redis.flushall();
});
afterAll(() => service.stop());

const submission = async () => ({
  content: file(await jpeg()),
  style: [file(await jpeg({ seed: 2 }))],
  options: { size: 64 },
});

/** A platform's fetch whose event streams break off after their first piece, the first `times` times. */
function brittle(times: number) {
  const streams: (string | null)[] = [];
  const brittleFetch = async (request: Request) => {
    const response = await fetch(request);
    if (!request.url.endsWith("/events")) return response;
    streams.push(request.headers.get("last-event-id"));
    if (streams.length > times) return response;
    const reader = response.body?.getReader();
    const body = new ReadableStream({
      async start(controller) {
        controller.enqueue((await reader?.read())?.value);
        await reader?.cancel();
        controller.error(new TypeError("the connection is lost"));
      },
    });
    return new Response(body, response);
  };
  return { streams, fetch: brittleFetch };
}

describe("Following a job", () => {
  it("goes on over lost connections, from where it was, and tells of them", async () => {
    const { streams, fetch: brittleFetch } = brittle(2);
    const painter = new Painter(service.url, { fetch: brittleFetch });
    const job = await painter.submit(await submission());
    const connections: boolean[] = [];
    const events: JobEvent[] = [];
    const following = (async () => {
      const onConnection = (connected: boolean) => connections.push(connected);
      for await (const event of painter.events(job.id, { onConnection })) events.push(event);
    })();
    while (streams.length < 3) await sleep(20);
    await painter.cancel(job.id);
    await following;
    expect(events.at(-1)).toEqual({ type: "end", reason: "canceled" });
    expect(connections.slice(0, 2)).toEqual([false, true]);
    expect(streams[0]).toBeNull();
    expect(streams[1]).toMatch(/^\d+$/);
  });

  it("sees a waiting job move forward, which no event tells", async () => {
    const painter = new Painter(service.url);
    const first = await painter.submit(await submission());
    const second = await painter.submit(await submission());
    const positions: unknown[] = [];
    for await (const { job } of painter.follow(second.id)) {
      positions.push(job.queue?.position ?? job.status);
      if (positions.length === 1) await painter.cancel(first.id);
      if (job.queue?.position === 0) await painter.cancel(second.id);
    }
    expect([positions[0], positions.includes(0), positions.at(-1)]).toEqual([1, true, "canceled"]);
  });

  it("sees that somebody else has changed a running job's options", async () => {
    const watched = new AbortController();
    worker = TestPainter.start(service, async ({ signal, update }) => {
      while (!watched.signal.aborted) await sleep(10);
      await update({ progress: progressAt(1) });
      while (!signal.aborted) await sleep(10);
      return { type: "stopped" };
    });
    const [mine, theirs] = [new Painter(service.url), new Painter(service.url)];
    const { id } = await mine.submit(await submission());
    let isSteered = false;
    const seen: [number, string][] = [];
    for await (const { job } of mine.follow(id)) {
      seen.push([job.options.style_weight, job.status]);
      if (job.status === "running") watched.abort();
      // From here on the stream alone can tell it.
      if (job.progress !== null && !isSteered) {
        isSteered = true;
        await theirs.steer(id, { style_weight: 33 });
      }
      if (job.steered === 1) await theirs.cancel(id);
    }
    expect(seen[0]?.[0]).toBe(PRESETS.balanced.style_weight);
    expect(seen).toContainEqual([33, "running"]);
  });

  it("throws what the service refuses, and the reason of a signal that is aborted", async () => {
    const painter = new Painter(service.url);
    const unknown = painter.wait("01890a5d-ac96-774b-bcce-b302099a8057");
    await expect(unknown).rejects.toMatchObject({ name: "ProblemError", code: "job_not_found" });
    const job = await painter.submit(await submission());
    const enough = new AbortController();
    const waiting = painter.wait(job.id, { signal: enough.signal, onUpdate: () => enough.abort("enough") });
    await expect(waiting).rejects.toBe("enough");
  });

  it("submits once where the answer is lost", async () => {
    let calls = 0;
    const painter = new Painter(service.url, {
      fetch: async (request) => {
        const response = await fetch(request);
        calls += 1;
        if (calls === 1) throw new TypeError("the answer is lost");
        return response;
      },
    });
    const job = await painter.submit(await submission());
    expect(calls).toBe(2);
    expect((await painter.jobs()).jobs.map(({ id }) => id)).toEqual([job.id]);
    expect(new ProblemError(new Response(null, { status: 503 }), null).retryable).toBe(true);
  });
});
