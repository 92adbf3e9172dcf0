import { afterAll, afterEach, beforeAll, describe, expect, it } from "@jest/globals";
import { type JobEvent, NstClient, ProblemError } from "../../../clients/typescript/index.ts";
import { PRESETS } from "../../../src/contract/presets.ts";
import { progressAt, untilStopped } from "../../support/fake-job-processors.ts";
import { TestService } from "../../support/harness/service.ts";
import { jpeg } from "../../support/pictures.ts";
import { file } from "../../support/submission-form.ts";
import { until } from "../../support/until.ts";

let service: TestService;
beforeAll(async () => {
  service = await TestService.start({ HEARTBEAT_SECONDS: "1" });
});
afterEach(async () => {
  await service.clear();
});
afterAll(() => service.stop());

const submission = async () => ({
  content: file(await jpeg()),
  style: [file(await jpeg({ seed: 2 }))],
  options: { size: 64 },
});

/** A `fetch` whose first `failures` event streams break after their first chunk, and the `Last-Event-ID` of each. */
function unreliableFetch(failures: number) {
  const lastEventIds: (string | null)[] = [];
  const fetchOrBreak = async (request: Request) => {
    const response = await fetch(request);
    if (!request.url.endsWith("/events")) return response;
    lastEventIds.push(request.headers.get("last-event-id"));
    if (lastEventIds.length > failures) return response;
    const reader = response.body?.getReader();
    const body = new ReadableStream({
      async start(controller) {
        controller.enqueue((await reader?.read())?.value);
        await reader?.cancel();
        controller.error(new TypeError("connection lost"));
      },
    });
    return new Response(body, response);
  };
  return { lastEventIds, fetch: fetchOrBreak };
}

describe("NstClient", () => {
  it("reconnects to the event stream, resumes at the last event, and reports both to onConnection", async () => {
    const { lastEventIds, fetch } = unreliableFetch(2);
    const client = new NstClient(service.url, { apiKey: service.apiKey, fetch });
    const job = await client.submit(await submission());
    const connections: boolean[] = [];
    const events: JobEvent[] = [];
    const following = (async () => {
      const onConnection = (connected: boolean) => connections.push(connected);
      for await (const event of client.events(job.id, { onConnection })) events.push(event);
    })();
    await until(() => lastEventIds.length >= 3, 100_000);
    await client.cancel(job.id);
    await following;
    expect(events.at(-1)).toEqual({ type: "end", reason: "canceled" });
    expect(connections.slice(0, 2)).toEqual([false, true]);
    expect(lastEventIds[0]).toBeNull();
    expect(lastEventIds[1]).toMatch(/^\d+$/);
  });

  it("reports when a queued job moves forward, for which the service sends no event", async () => {
    const client = new NstClient(service.url, { apiKey: service.apiKey });
    const first = await client.submit(await submission());
    const second = await client.submit(await submission());
    const positions: unknown[] = [];
    for await (const { job } of client.follow(second.id)) {
      positions.push(job.queue?.position ?? job.status);
      if (positions.length === 1) await client.cancel(first.id);
      if (job.queue?.position === 0) await client.cancel(second.id);
    }
    expect([positions[0], positions.includes(0), positions.at(-1)]).toEqual([1, true, "canceled"]);
  });

  it("reports that another client changed a running job's options", async () => {
    const watched = new AbortController();
    service.startWorker(async ({ signal, update }) => {
      await until(() => watched.signal.aborted);
      await update({ progress: progressAt(1) });
      return await untilStopped({ signal });
    });
    const [mine, theirs] = [1, 2].map(() => new NstClient(service.url, { apiKey: service.apiKey })) as [
      NstClient,
      NstClient,
    ];
    const { id } = await mine.submit(await submission());
    let hasUpdated = false;
    const seen: [number, string][] = [];
    for await (const { job } of mine.follow(id)) {
      seen.push([job.options.style_weight, job.status]);
      if (job.status === "running") watched.abort();
      // A running job is not polled: the change can only come from the event stream.
      if (job.progress !== null && !hasUpdated) {
        hasUpdated = true;
        await theirs.updateOptions(id, { style_weight: 33 });
      }
      if (job.options_version === 1) await theirs.cancel(id);
    }
    expect(seen[0]?.[0]).toBe(PRESETS.balanced.style_weight);
    expect(seen).toContainEqual([33, "running"]);
  });

  it("throws a ProblemError for an error response, and the reason of an aborted signal", async () => {
    const client = new NstClient(service.url, { apiKey: service.apiKey });
    const unknown = client.wait("01890a5d-ac96-774b-bcce-b302099a8057");
    await expect(unknown).rejects.toMatchObject({ name: "ProblemError", code: "job_not_found" });
    const job = await client.submit(await submission());
    const abort = new AbortController();
    const waiting = client.wait(job.id, { signal: abort.signal, onUpdate: () => abort.abort("enough") });
    await expect(waiting).rejects.toBe("enough");
  });

  it("creates one job if the response to submit is lost", async () => {
    let calls = 0;
    const client = new NstClient(service.url, {
      apiKey: service.apiKey,
      fetch: async (request) => {
        const response = await fetch(request);
        calls += 1;
        if (calls === 1) throw new TypeError("response lost");
        return response;
      },
    });
    const job = await client.submit(await submission());
    expect(calls).toBe(2);
    expect((await client.jobs()).jobs.map(({ id }) => id)).toEqual([job.id]);
    expect(new ProblemError(new Response(null, { status: 503 }), null).retryable).toBe(true);
  });
});
