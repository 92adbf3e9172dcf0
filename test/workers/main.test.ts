import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "@jest/globals";
import type { LossEntry } from "../../src/contract/losses.ts";
import { sharp } from "../../src/pictures/sharp.ts";
import { ROOT } from "../../src/root.ts";
import { TestDeployment } from "../support/harness/deployment.ts";
import { expectNothingLeftOver } from "../support/nothing-left-over.ts";

let deployment: TestDeployment;
beforeAll(async () => {
  deployment = await TestDeployment.create();
});
afterEach(() => deployment.stopPrograms());
afterAll(() => deployment.close());

describe("The worker process", () => {
  it("paints a job with progress, previews, falling losses and a result of the content's aspect ratio", async () => {
    await deployment.startWorker();
    const { id } = await deployment.submit({
      ...{ preset: "classic", learning_rate: 0.01, size: 64, steps: 30, preview_interval: 3 },
    });
    const running = await deployment.until(id, ({ progress }) => (progress?.step ?? 0) > 0);
    expect(running).toMatchObject({ status: "running", attempts: 1, engine: { device: "cpu" } });
    const record = await deployment.untilEnded(id);
    expect(record).toMatchObject({
      ...{ status: "succeeded", attempts: 1, error: null, checkpoint: null, attempt_id: null },
      progress: { step: 30, total_steps: 30, fraction: 1 },
      result: { media_type: "image/png", width: 64, height: 42 },
      preview: { media_type: "image/jpeg" },
    });
    const picture = await sharp(await deployment.store.read(record.result?.key ?? "")).metadata();
    expect(picture).toMatchObject({ format: "png", width: 64, height: 42 });
    const lines = Buffer.from(await deployment.store.read(record.losses ?? ""))
      .toString()
      .trim()
      .split("\n");
    const losses = lines.map((line) => JSON.parse(line) as LossEntry);
    expect(losses.map(({ step }) => step)).toEqual(Array.from({ length: 30 }, (_, index) => index + 1));
    // One scale and one phase, so the losses can be compared.
    expect(losses.at(-1)?.total).toBeLessThan(0.5 * (losses[0]?.total ?? 0));
    await expectNothingLeftOver(deployment, record);
  });

  it("appears in the worker registry, and disappears when it stops", async () => {
    const worker = await deployment.startWorker();
    const registered = async () =>
      (await deployment.queue.statistics.workers()).find(({ pid }) => pid === worker.pid);
    expect(await registered()).toMatchObject({
      ready: true,
      reason: null,
      pid: worker.pid,
      version: (JSON.parse(await readFile(join(ROOT, "package.json"), "utf8")) as { version: string })
        .version,
      job: null,
    });
    await worker.end();
    expect(await registered()).toBeUndefined();
  });

  it("reports missing weights, and takes no jobs without them", async () => {
    const { id } = await deployment.submit();
    const worker = deployment.run("workers/main.js", { NST_VGG19_WEIGHTS: deployment.folder });
    await worker.line(({ code }) => code === "weights_missing");
    const description = (await deployment.queue.statistics.workers()).find(({ pid }) => pid === worker.pid);
    expect(description).toMatchObject({ ready: false, reason: { code: "weights_missing" } });
    expect(description?.reason?.message).toContain(deployment.folder);
    expect(await deployment.queue.find(id)).toMatchObject({ status: "queued", attempts: 0 });
    await deployment.queue.delete(id);
  });

  it("fails a job whose picture is missing or broken, and takes the next one", async () => {
    const gone = await deployment.submit();
    await deployment.store.delete(gone.styles[0] ?? "");
    const broken = await deployment.submit();
    await deployment.store.put(broken.content, Buffer.from("not a picture"));
    const good = await deployment.submit();
    await deployment.startWorker();
    // By the attempt or by the maintenance at the worker's start, whichever is first.
    expect(await deployment.untilEnded(gone.id)).toMatchObject({
      status: "failed",
      error: { code: "picture_missing", message: expect.stringContaining("picture") },
    });
    expect(await deployment.untilEnded(broken.id)).toMatchObject({ error: { code: "picture_unreadable" } });
    expect(await deployment.untilEnded(good.id)).toMatchObject({ status: "succeeded" });
  });

  it("stops within a step when its job is canceled, deletes its blobs, and takes the next one", async () => {
    await deployment.startWorker();
    const long = await deployment.submit({ steps: 20_000 });
    const next = await deployment.submit();
    await deployment.until(long.id, ({ checkpoint }) => checkpoint !== null);
    await deployment.queue.cancel(long.id);
    expect(await deployment.untilEnded(next.id)).toMatchObject({ status: "succeeded" });
    const record = await deployment.queue.find(long.id);
    expect(record).toMatchObject({ status: "canceled", checkpoint: null });
    if (record) await expectNothingLeftOver(deployment, record);
  });
});
