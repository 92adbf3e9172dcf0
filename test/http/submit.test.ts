import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { type JobView, jobViewSchema } from "../../src/contract/job.ts";
import { PRESETS } from "../../src/contract/presets.ts";
import { TestService } from "../support/harness/service.ts";
import { draw, jpeg, png } from "../support/pictures.ts";
import { file, form } from "../support/submission-form.ts";
import { until } from "../support/until.ts";

let service: TestService;
beforeAll(async () => {
  service = await TestService.start();
});
afterAll(() => service.stop());

const post = (body: FormData | string, headers: Record<string, string> = {}) =>
  service.fetch("/v1/jobs", { method: "POST", body, headers });

describe("A submitted form", () => {
  it("creates a queued job, with Location and Retry-After", async () => {
    const response = await post(await form());
    const view = jobViewSchema.parse(await response.json());
    expect(response.status).toBe(202);
    expect(response.headers.get("location")).toBe(`/v1/jobs/${view.id}`);
    expect(Number(response.headers.get("retry-after"))).toBeGreaterThan(0);
    expect(view).toMatchObject({
      status: "queued",
      progress: null,
      attempts: 0,
      error: null,
      metadata: {},
      priority: 50,
      queue: { position: expect.any(Number) },
      links: { self: `/v1/jobs/${view.id}`, cancel: `/v1/jobs/${view.id}/cancel` },
    });
    expect(view.options).toEqual({ preset: "balanced", seed: view.options.seed, ...PRESETS.balanced });
  });

  it("stores its pictures unchanged, and leaves nothing in the spool", async () => {
    const response = await post(await form({}, 2));
    const { id } = (await response.json()) as JobView;
    const sent = [await jpeg(), await jpeg({ seed: 2 }), await jpeg({ seed: 3 })];
    expect((await service.inputs(id)).map((bytes, index) => bytes.equals(sent[index] ?? bytes))).toEqual([
      true,
      true,
      true,
    ]);
    expect(await service.spooled()).toEqual([]);
  });

  it("accepts options, metadata, a priority and a time to live", async () => {
    const given = { preset: "classic", size: 333, seed: 7, output: { format: "webp" } };
    const response = await post(
      await form({
        options: JSON.stringify(given),
        metadata: '{"order":"A-17","tags":["é"]}',
        priority: "3",
        expires_in: "3600",
      }),
    );
    const view = jobViewSchema.parse(await response.json());
    expect(view.options).toEqual({
      ...PRESETS.classic,
      ...given,
      output: { ...PRESETS.classic.output, format: "webp" },
    });
    expect(view).toMatchObject({ metadata: { order: "A-17", tags: ["é"] }, priority: 3 });
    const record = await service.queue.find(view.id);
    const left = new Date(record?.expires_at ?? 0).getTime() - Date.now();
    expect(left).toBeGreaterThan(3500_000);
    expect(left).toBeLessThanOrEqual(3600_000);
  });

  it.each([
    [{ preset: "draft" }, 0.01],
    [{ style_distance: "gram", preset: "draft" }, 0.02],
    [{ style_distance: "neighbors", preset: "classic" }, 0.01],
    [{ style_distance: "gram", learning_rate: 0.5 }, 0.5],
    [{ learning_rate: 0.5 }, 0.5],
  ])("has for %j the learning rate %d", async (options, learningRate) => {
    const response = await post(await form({ options: JSON.stringify(options) }));
    const view = jobViewSchema.parse(await response.json());
    expect(view.options).toMatchObject({ ...options, learning_rate: learningRate });
  });

  it.each([
    [{}, 4],
    [{ size: 256 }, 3],
    [{ size: 1024 }, 5],
    [{ size: 4096 }, 7],
    [{ size: 64 }, 1],
    [{ size: 512, preset: "draft" }, 4],
    [{ size: 2048, preset: "classic" }, 1],
    [{ size: 1024, scales: 2 }, 2],
  ])("has for %j %d scales, so that the coarsest keeps its size", async (options, scales) => {
    const response = await post(await form({ options: JSON.stringify(options) }));
    expect(jobViewSchema.parse(await response.json()).options.scales).toBe(scales);
  });

  it("accepts options as a file, and parts in any order", async () => {
    const data = new FormData();
    data.append("options", new Blob(['{"size": 64}'], { type: "application/json" }), "options.json");
    data.append("style", file(await png()));
    data.append("content", file(await draw().webp().toBuffer()));
    const response = await post(data);
    expect(response.status).toBe(202);
    expect(((await response.json()) as JobView).options.size).toBe(64);
  });

  it("accepts options as a part with the type application/json", async () => {
    const options =
      '--b\r\ncontent-disposition: form-data; name="options"\r\ncontent-type: application/json\r\n\r\n{"size":64}';
    const part = (name: string) =>
      `\r\n--b\r\ncontent-disposition: form-data; name="${name}"; filename="a"\r\n\r\n`;
    const picture = await jpeg();
    const body = Buffer.concat([
      Buffer.from(options + part("content")),
      picture,
      Buffer.from(part("style")),
      picture,
      Buffer.from("\r\n--b--\r\n"),
    ]);
    const response = await service.fetch("/v1/jobs", {
      method: "POST",
      body,
      headers: { "content-type": "multipart/form-data; boundary=b" },
    });
    expect(response.status).toBe(202);
    expect(((await response.json()) as JobView).options.size).toBe(64);
  });

  it("gets a random seed by default", async () => {
    const seeds = new Set<number>();
    for (let count = 0; count < 4; count += 1) {
      seeds.add(((await (await post(await form())).json()) as JobView).options.seed);
    }
    expect(seeds.size).toBe(4);
  });

  it("gets ids that sort by time", async () => {
    const ids: string[] = [];
    for (let count = 0; count < 4; count += 1) {
      ids.push(((await (await post(await form())).json()) as JobView).id);
    }
    expect([...ids].sort()).toEqual(ids);
  });
});

describe("While Redis cannot be reached", () => {
  it("jobs are rejected with 503, and accepted afterwards", async () => {
    await service.redisServer.kill();
    const response = await post(await form());
    expect(response.status).toBe(503);
    expect(await response.json()).toMatchObject({ code: "unavailable", retryable: true });
    expect(Number(response.headers.get("retry-after"))).toBeGreaterThan(0);
    await service.redisServer.start();
    await until(async () => (await post(await form())).status === 202);
  });
});

describe("A full queue", () => {
  it("rejects a job and stores nothing of it", async () => {
    const small = await TestService.start({ MAX_QUEUED_JOBS: "1" });
    try {
      const submit = async () => small.fetch("/v1/jobs", { method: "POST", body: await form() });
      expect((await submit()).status).toBe(202);
      const keys = await small.storedKeys();
      const response = await submit();
      expect(response.status).toBe(503);
      expect(await response.json()).toMatchObject({ code: "queue_full" });
      expect(await small.storedKeys()).toEqual(keys);
    } finally {
      await small.stop();
    }
  });
});

describe("A queue that becomes full during uploads", () => {
  it("accepts as many jobs as it has room for, and stores nothing of the others", async () => {
    const small = await TestService.start({ MAX_QUEUED_JOBS: "1" });
    try {
      const bodies = await Promise.all(Array.from({ length: 6 }, () => form()));
      const answers = bodies.map((body) => small.fetch("/v1/jobs", { method: "POST", body }));
      const statuses = (await Promise.all(answers)).map(({ status }) => status).sort();
      expect(statuses).toEqual([202, 503, 503, 503, 503, 503]);
      const [job] = await small.queue.list({ limit: 10 });
      expect((await small.storedKeys()).sort()).toEqual([job?.content, ...(job?.styles ?? [])].sort());
    } finally {
      await small.stop();
    }
  });
});

describe("A picture with the maximum number of bytes", () => {
  it("is accepted, and one with a byte more is not", async () => {
    const bytes = Math.max((await jpeg()).length, (await jpeg({ seed: 2 })).length);
    const statusWith = async (limit: number) => {
      const limited = await TestService.start({ MAX_UPLOAD_BYTES: String(limit) });
      try {
        return (await limited.fetch("/v1/jobs", { method: "POST", body: await form() })).status;
      } finally {
        await limited.stop();
      }
    };
    expect(await statusWith(bytes)).toBe(202);
    expect(await statusWith(bytes - 1)).toBe(413);
  });
});

describe("The log", () => {
  it("has the request and the job on every line of a submission", async () => {
    const response = await post(await form(), { "x-request-id": "my-request.1" });
    const { id } = (await response.json()) as JobView;
    expect(response.headers.get("x-request-id")).toBe("my-request.1");
    const lines = await until(() => {
      const found = service.logged.filter(
        (line) => line.request_id === "my-request.1" && Number(line.level) >= 30,
      );
      return found.length >= 2 && found;
    });
    expect(lines).toHaveLength(2);
    for (const line of lines) expect(line.job_id).toBe(id);
    expect(lines[1]).toMatchObject({ method: "POST", path: "/v1/jobs", status: 202 });
  });

  it("ignores a request id that could forge a log line", async () => {
    const response = await service.fetch("/livez", { headers: { "x-request-id": 'a" b' } });
    expect(response.headers.get("x-request-id")).toMatch(/^[0-9a-f-]{36}$/);
  });
});
