import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "@jest/globals";
import { type SubmissionOptions, unwrap } from "../../clients/typescript/index.ts";
import { sharp } from "../../src/pictures/sharp.ts";
import { ROOT } from "../../src/root.ts";
import { findWeights } from "../../workers/engine/weights/find-weights.ts";
import { TestDeployment } from "../support/harness/deployment.ts";
import { jpeg, png } from "../support/pictures.ts";
import { describeIfPossible } from "../support/requirements.ts";

let deployment: TestDeployment;
beforeAll(async () => {
  deployment = await TestDeployment.create();
});
afterEach(() => deployment.stopPrograms());
afterAll(() => deployment.close());

/** RGB values of a picture file at a size. */
const pixels = (bytes: Uint8Array, width: number, height: number) =>
  sharp(bytes).removeAlpha().resize(width, height, { fit: "fill" }).raw().toBuffer();

/** Mean absolute difference of two pictures, in levels of 256. */
function difference(a: Uint8Array, b: Uint8Array): number {
  expect(a.length).toBe(b.length);
  return a.reduce((sum, value, index) => sum + Math.abs(value - (b[index] ?? 0)), 0) / a.length;
}

describe("A client of the whole service", () => {
  it("learns from /readyz whether a worker is ready", async () => {
    const { client } = await deployment.startApi();
    const alone = await client.get("/readyz");
    expect(alone.status).toBe(503);
    await deployment.startWorker();
    const together = await client.get("/readyz");
    expect([together.status, await together.text()]).toEqual([200, expect.any(String)]);
  });

  it("submits two pictures, sees progress, and fetches a result of the content's size that equals neither", async () => {
    const { client } = await deployment.startApi();
    await deployment.startWorker();
    const content = await jpeg({ width: 97, height: 51, seed: 3 });
    const style = await png({ width: 60, height: 80, seed: 4 });
    const method = { style_distance: "gram", style_weight: 500 } as const;
    const options: SubmissionOptions = { preset: "draft", size: 97, steps: 40, scales: 1, ...method };
    const job = await client.submit(content, [style], options);
    expect(job).toMatchObject({ status: "queued", attempts: 0 });
    expect((await client.get(`/v1/jobs/${job.id}/result`)).status).toBe(409);

    const views = await client.follow(job.id);
    expect(views.at(-1)).toMatchObject({ status: "succeeded", attempts: 1, error: null });
    const losses = views.flatMap(({ progress }) => (progress?.loss ? [progress.loss.total] : []));
    expect(losses.length).toBeGreaterThan(1);
    expect(losses.at(-1)).toBeLessThan(losses[0] ?? 0);
    const steps = views.map(({ progress }) => progress?.step ?? 0);
    expect(steps).toEqual(steps.toSorted((a, b) => a - b));

    const result = await client.result(job.id);
    expect(await sharp(result).metadata()).toMatchObject({ width: 97, height: 51, format: "png" });
    const params = { path: { id: job.id } };
    const timelapse = await unwrap(
      client.api.GET("/v1/jobs/{id}/timelapse", { params, parseAs: "arrayBuffer" }),
    );
    // A picture every tenth step, and the result.
    expect(await sharp(new Uint8Array(timelapse), { animated: true }).metadata()).toMatchObject({
      pages: 5,
      width: 97,
    });
    const painted = await pixels(result, 97, 51);
    // At this size the content is not resampled and png loses nothing: a mere copy would differ by 0.
    expect(difference(painted, await pixels(content, 97, 51))).toBeGreaterThan(1);
    expect(difference(painted, await pixels(style, 97, 51))).toBeGreaterThan(1);
  });

  it("cancels a running job", async () => {
    const { client } = await deployment.startApi();
    await deployment.startWorker();
    const job = await client.submit(await jpeg(), [await jpeg({ seed: 2 })], { size: 64, steps: 20_000 });
    await deployment.until(job.id, ({ status }) => status === "running");
    const canceled = await unwrap(
      client.api.POST("/v1/jobs/{id}/cancel", { params: { path: { id: job.id } } }),
    );
    expect(canceled).toMatchObject({ id: job.id, status: "canceled" });
    expect((await client.view(job.id)).status).toBe("canceled");
  });
});

/** Where the trained weights lie on this machine, or null. */
function trainedWeights(): string | null {
  try {
    return findWeights(ROOT, undefined);
  } catch {
    return null;
  }
}
const weights = trainedWeights();
const missing = weights === null ? "VGG-19's trained weights are missing (npm run setup)" : undefined;

describeIfPossible("With the trained weights of VGG-19", missing, () => {
  it("the cat takes on the sandstone's style, and remains a cat", async () => {
    const { client } = await deployment.startApi();
    await deployment.startWorker({ NST_VGG19_WEIGHTS: weights ?? "" });
    const content = await readFile(join(ROOT, "examples", "cat.jpg"));
    const style = await readFile(join(ROOT, "examples", "sandstone.jpg"));
    const job = await client.submit(content, [style], { preset: "draft", size: 128, steps: 30, scales: 1 });
    const views = await client.follow(job.id, 170_000);
    expect(views.at(-1)).toMatchObject({ status: "succeeded" });
    // How far the Gram matrices are from the style's, in proportion: the total has other parts in the detail phase.
    const grams = views.flatMap(({ progress }) => progress?.loss?.parts.gram ?? []);
    expect(grams.at(-1)).toBeLessThan(0.5 * (grams[0] ?? 0));

    const result = await client.result(job.id);
    const { width, height } = await sharp(result).metadata();
    expect(Math.max(width, height)).toBe(128);
    const [painted, cat, stone] = await Promise.all([
      pixels(result, width, height),
      pixels(content, width, height),
      pixels(style, width, height),
    ]);
    expect(difference(painted, cat)).toBeGreaterThan(8);
    expect(difference(painted, stone)).toBeGreaterThan(8);
  }, 180_000);
});
