import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import sharp from "sharp";
import { TestS3Server } from "../support/harness/s3-server.ts";
import { TestService } from "../support/harness/service.ts";
import { form } from "../support/submission-form.ts";
import { until } from "../support/until.ts";

let server: TestS3Server;
beforeAll(async () => {
  server = await TestS3Server.start();
});
afterAll(() => server.stop());

/** A service with its pictures in S3, and a succeeded job. */
async function paintedJob(variables: Record<string, string> = {}) {
  const service = await TestService.start({ ...server.environment, ...variables });
  service.startWorker();
  const submitted = await service.fetch("/v1/jobs", { method: "POST", body: await form() });
  expect(submitted.status).toBe(202);
  const { id } = (await submitted.json()) as { id: string };
  const get = (init?: RequestInit) => service.fetch(`/v1/jobs/${id}/result`, init);
  await until(async () => (await get({ method: "HEAD" })).status !== 409);
  return { get, service };
}

describe("A result in S3", () => {
  let job: Awaited<ReturnType<typeof paintedJob>>;
  beforeAll(async () => {
    job = await paintedJob();
  });
  afterAll(() => job.service.stop());

  it("is sent by the API, as a whole and in ranges", async () => {
    const whole = Buffer.from(await (await job.get()).arrayBuffer());
    expect((await sharp(whole).metadata()).format).toBe("png");
    const part = await job.get({ headers: { range: "bytes=4-19" } });
    expect(part.status).toBe(206);
    expect(Buffer.from(await part.arrayBuffer()).equals(whole.subarray(4, 20))).toBe(true);
  });

  it("leaves nothing in the spool", async () => {
    expect(await job.service.spooled()).toEqual([]);
  });
});

describe("A result in S3 with presigned links", () => {
  let job: Awaited<ReturnType<typeof paintedJob>>;
  beforeAll(async () => {
    job = await paintedJob({ S3_PRESIGNED_URL_SECONDS: "60" });
  });
  afterAll(() => job.service.stop());

  it("is available by a redirect, in any format and in ranges", async () => {
    const response = await job.get({ redirect: "manual" });
    expect(response.status).toBe(307);
    expect(response.headers.get("location")).toMatch(new RegExp(`^${server.endpoint}/.*X-Amz-Expires=60`));
    expect(response.headers.get("cache-control")).toBe("no-store");
    const followed = await job.get({ headers: { accept: "image/webp" } });
    expect(followed.redirected).toBe(true);
    expect(followed.headers.get("content-type")).toBe("image/webp");
    expect(followed.headers.get("content-disposition")).toMatch(/filename="painting-.*\.webp"/);
    const part = await job.get({ headers: { range: "bytes=0-7" } });
    expect([part.redirected, part.status]).toEqual([true, 206]);
    expect((await part.arrayBuffer()).byteLength).toBe(8);
  });

  it("is not redirected to for HEAD and 304", async () => {
    const head = await job.get({ method: "HEAD" });
    expect([head.status, head.redirected]).toEqual([200, false]);
    const etag = head.headers.get("etag") ?? "";
    expect((await job.get({ headers: { "if-none-match": etag } })).status).toBe(304);
  });

  it("is sent by the API to browser scripts, which may not read from another site", async () => {
    const headers = { "sec-fetch-site": "same-origin", "sec-fetch-mode": "cors" };
    expect((await job.get({ headers })).redirected).toBe(false);
  });
});
