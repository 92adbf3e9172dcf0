import { afterAll, afterEach, beforeAll, describe, expect, it } from "@jest/globals";
import type { JobView } from "../../src/contract/job.ts";
import { progressAt, semaphore, threeSteps } from "../support/fake-job-processors.ts";
import { TestService } from "../support/harness/service.ts";
import { jpeg } from "../support/pictures.ts";
import { form } from "../support/submission-form.ts";
import { until } from "../support/until.ts";

let service: TestService;
beforeAll(async () => {
  service = await TestService.start();
});
afterEach(async () => {
  await service.clear();
});
afterAll(() => service.stop());

/** Submits a job and returns its path. */
async function submit(): Promise<string> {
  const body = await form({ options: '{"size":64}' });
  const answer = await service.fetch("/v1/jobs", { method: "POST", body });
  return ((await answer.json()) as JobView).links.self ?? "";
}

describe("A preview", () => {
  it("is the latest picture, and responds with 304 until there is another", async () => {
    const job = await submit();
    const early = await service.fetch(`${job}/preview`);
    expect(early.status).toBe(409);
    expect(await early.json()).toMatchObject({ code: "preview_not_ready", retryable: true });

    const { acquire, release } = semaphore();
    service.startWorker(threeSteps(service, acquire));
    const preview = async (step: number) => {
      release();
      await until(async () => ((await (await service.fetch(job)).json()) as JobView).progress?.step === step);
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
    release();
  });

  it("responds with 409 for a job that ended without one", async () => {
    const job = await submit();
    await service.fetch(`${job}/cancel`, { method: "POST" });
    const response = await service.fetch(`${job}/preview`);
    expect(response.status).toBe(409);
    expect(await response.json()).toMatchObject({ code: "no_preview", retryable: false });
  });
});

describe("Losses", () => {
  it("are returned as JSON or as an SVG plot", async () => {
    const job = await submit();
    const none = await service.fetch(`${job}/losses`);
    expect(await none.json()).toEqual({ losses: [] });
    service.startWorker(threeSteps(service, () => Promise.resolve()));
    await until(async () => ((await (await service.fetch(job)).json()) as JobView).status === "succeeded");
    const response = await service.fetch(`${job}/losses`);
    expect(await response.json()).toEqual({
      losses: [1, 2, 3].map((step) => ({ step, scale: 0, objective: 0, ...progressAt(step).loss })),
    });
    const etag = response.headers.get("etag") ?? "";
    expect((await service.fetch(`${job}/losses`, { headers: { "if-none-match": etag } })).status).toBe(304);

    const plot = await service.fetch(`${job}/losses`, { headers: { accept: "image/svg+xml" } });
    expect(plot.headers.get("content-type")).toBe("image/svg+xml");
    const svg = await plot.text();
    expect(svg).toMatch(/^<svg xmlns/);
    expect(svg.match(/<polyline/g)).toHaveLength(3); // the total, the content, the Gram matrices
    const html = await service.fetch(`${job}/losses`, { headers: { accept: "text/html" } });
    expect(html.status).toBe(406);
  });
});
