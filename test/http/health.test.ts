import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { optionsSchema } from "../../src/contract/options.ts";
import { resolveOptions } from "../../src/contract/presets.ts";
import { deregisterWorker } from "../../src/jobs/scheduling/worker-registry.ts";
import { ENGINE, sendFakeHeartbeat } from "../support/fake-worker.ts";
import { TestService } from "../support/harness/service.ts";
import { submission } from "../support/jobs.ts";
import { form } from "../support/submission-form.ts";
import { until } from "../support/until.ts";

let service: TestService;
beforeAll(async () => {
  service = await TestService.start();
});
afterAll(() => service.stop());

async function readiness() {
  const response = await service.fetch("/readyz");
  return { status: response.status, body: await response.json() };
}

/** Waits until /readyz responds so: a response may be two seconds old. */
async function expectReadiness(expected: { status?: number; body?: object }): Promise<void> {
  const matches = async () => {
    expect(await readiness()).toMatchObject(expected);
    return true;
  };
  await until(() => matches().catch(() => false)).catch(matches);
}

describe("/readyz", () => {
  it("reports that no worker is alive", async () => {
    await expectReadiness({
      status: 503,
      body: {
        status: "not_ready",
        checks: {
          redis: { ok: true, reason: null },
          store: { ok: true },
          workers: { ok: false, reason: "no worker is alive" },
          engine: { ok: false },
        },
      },
    });
  });

  it("reports what the engine of a worker lacks", async () => {
    await sendFakeHeartbeat(service, {
      ready: false,
      reason: { code: "weights_missing", message: "put VGG-19 into models/vgg19" },
    });
    await expectReadiness({
      status: 503,
      body: {
        checks: {
          workers: { ok: true },
          engine: { ok: false, reason: "weights_missing: put VGG-19 into models/vgg19" },
        },
      },
    });
  });

  it("is ready if one worker can paint", async () => {
    await sendFakeHeartbeat(service, { id: "w2", engine: ENGINE });
    await expectReadiness({ status: 200, body: { status: "ready", engines: [ENGINE] } });
  });

  it("reports jobs that are too large for every worker, and is ready all the same", async () => {
    for (const id of ["w1", "w2"]) await deregisterWorker(service.redis, service.keys, id);
    await sendFakeHeartbeat(service, { id: "w3", largest_size: 1024 });
    await expectReadiness({ body: { capacity: { ok: true, largest_size: 1024 } } });
    const options = resolveOptions({ preset: "draft", size: 2048 }, 1);
    const { id } = await service.queue.submit(submission({ options }));
    await expectReadiness({
      status: 200,
      body: {
        status: "ready",
        capacity: {
          ok: false,
          reason: "1 queued jobs of up to 2048 px are too large for every live worker (at most 1024 px)",
        },
      },
    });
    await sendFakeHeartbeat(service, { id: "w4" });
    await expectReadiness({ body: { capacity: { ok: true, largest_size: 4096 } } });
    await service.queue.delete(id);
  });

  it("reports that pictures cannot be stored, in the store or in the spool", async () => {
    const { dataDirectory, spoolDirectory } = service.config;
    for (const folder of [join(dataDirectory, "blobs"), spoolDirectory]) {
      await rm(folder, { recursive: true, force: true });
      await writeFile(folder, "in the way");
      await expectReadiness({ status: 503, body: { checks: { store: { ok: false } } } });
      await rm(folder);
      await expectReadiness({ status: 200 });
    }
  });

  it("reports that Redis is full, also in the log, and accepts jobs when it is not", async () => {
    const { redis } = service;
    await redis.config("SET", "maxmemory", "1mb");
    try {
      await expectReadiness({
        status: 503,
        body: { checks: { redis: { ok: false, reason: "Redis rejects commands (OOM)" } } },
      });
      const body = await form({ options: '{"size":64,"steps":5}' });
      expect((await service.fetch("/v1/jobs", { method: "POST", body })).status).toBe(503);
      const reasons = service.logged.map(({ reason }) => reason);
      expect(reasons).toContainEqual(expect.stringMatching(/^OOM command not allowed/));
    } finally {
      await redis.config("SET", "maxmemory", "0");
    }
    await sendFakeHeartbeat(service);
    await expectReadiness({ status: 200 });
  });

  it("reports that Redis cannot be reached, while /livez still succeeds", async () => {
    await sendFakeHeartbeat(service);
    await service.redisServer.kill();
    await expectReadiness({
      status: 503,
      body: { checks: { redis: { ok: false, reason: "Redis cannot be reached" }, store: { ok: true } } },
    });
    const alive = await service.fetch("/livez");
    expect(alive.status).toBe(200);
    expect(await alive.json()).toEqual({ status: "alive" });
    await service.redisServer.start();
    // The heartbeats of workers outlive a restart of Redis.
    await expectReadiness({ status: 200 });
  });
});

describe("Many calls of /readyz", () => {
  it("share one check, which runs no script and reads no queued job", async () => {
    const options = resolveOptions({ preset: "draft", size: 2048 }, 1);
    for (let count = 0; count < 5; count += 1) await service.queue.submit(submission({ options }));
    await sendFakeHeartbeat(service, { largest_size: 1024 });
    await expectReadiness({ body: { capacity: { largest_size: 1024 } } });
    await service.redis.config("RESETSTAT");
    const responses = await Promise.all(Array.from({ length: 50 }, () => service.fetch("/readyz")));
    expect(responses.map(({ status }) => status)).toEqual(Array(50).fill(200));
    const stats = await service.redis.info("commandstats");
    const calls = (command: string) =>
      Number(new RegExp(`cmdstat_${command}:calls=(\\d+)`).exec(stats)?.[1] ?? 0);
    expect(calls("set")).toBeLessThanOrEqual(1);
    expect(calls("zcount")).toBeLessThanOrEqual(1);
    expect([calls("evalsha"), calls("eval"), calls("hget")]).toEqual([0, 0, 0]);
  });
});

describe("/v1/presets", () => {
  it("returns every preset and the range of every option", async () => {
    const response = await service.fetch("/v1/presets");
    expect(response.status).toBe(200);
    const body = (await response.json()) as {
      default: string;
      presets: Record<string, object>;
      options: Record<string, { minimum?: number; maximum?: number; description?: string }>;
    };
    expect(Object.keys(body.presets)).toEqual(["draft", "balanced", "fine", "classic"]);
    for (const [preset, options] of Object.entries(body.presets)) {
      expect(optionsSchema.safeParse({ ...options, preset, seed: 1 }).error).toBeUndefined();
    }
    expect(Object.keys(body.presets)).toContain(body.default);
    expect(Object.keys(body.options)).toEqual(Object.keys(optionsSchema.shape));
    expect(body.options.size).toMatchObject({ minimum: 32, maximum: 4096 });
  });
});
