import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import sharp from "sharp";
import type { JobView } from "../../src/contract/job.ts";
import { detectPictureType, PICTURE_TYPES } from "../../src/pictures/picture-type.ts";
import { TestService } from "../support/harness/service.ts";
import { form } from "../support/submission-form.ts";
import { until } from "../support/until.ts";

let service: TestService;
let path: string;
let bytes: Buffer;
beforeAll(async () => {
  service = await TestService.start();
  path = await paint();
  bytes = Buffer.from(await (await service.fetch(path)).arrayBuffer());
});
afterAll(() => service.stop());

async function submit(): Promise<string> {
  const body = await form({ options: '{"size":64,"output":{"format":"png"}}' });
  return (
    ((await (await service.fetch("/v1/jobs", { method: "POST", body })).json()) as JobView).links.self ?? ""
  );
}
/** Creates a succeeded job and returns the path of its result. */
async function paint(): Promise<string> {
  const job = await submit();
  service.startWorker();
  await until(async () => ((await (await service.fetch(job)).json()) as JobView).status === "succeeded");
  await service.stopWorkers();
  return `${job}/result`;
}
const get = (query = "", headers: Record<string, string> = {}, method = "GET") =>
  service.fetch(`${path}${query}`, { headers, method });
async function body(response: Response): Promise<Buffer> {
  return Buffer.from(await response.arrayBuffer());
}
async function problemOf(response: Response): Promise<{ status: number; code: string; detail: string }> {
  return (await response.json()) as { status: number; code: string; detail: string };
}

describe("A result", () => {
  it("is the original picture, with headers that make it safe to show", async () => {
    const response = await get();
    expect(response.status).toBe(200);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      "content-type": "image/png",
      "content-length": String(bytes.length),
      "accept-ranges": "bytes",
      "x-content-type-options": "nosniff",
      "content-security-policy": "default-src 'none'; sandbox",
      "content-disposition": expect.stringMatching(/^inline; filename="painting-[0-9a-f-]{36}\.png"$/),
    });
    const found = await body(response);
    expect(await sharp(found).metadata()).toMatchObject({ format: "png", width: 64, height: 32 });
  });

  it.each(PICTURE_TYPES)("is available as %s, by query and by Accept", async (format) => {
    for (const response of [await get(`?format=${format}`), await get("", { accept: `image/${format}` })]) {
      expect(response.status).toBe(200);
      expect(response.headers.get("content-type")).toBe(`image/${format}`);
      const found = await body(response);
      expect(detectPictureType(found)).toBe(format);
      expect(await sharp(found).metadata()).toMatchObject({ width: 64, height: 32 });
      expect(response.headers.get("content-length")).toBe(String(found.length));
    }
  });

  it.each([
    "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8",
    "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
    "text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2",
    "image/jpeg, image/png;q=0.1",
    "application/json",
    "text/html",
  ])("has the format that was painted for Accept: %s", async (accept) => {
    const response = await get("", { accept });
    expect([response.status, response.headers.get("content-type")]).toEqual([200, "image/png"]);
  });

  it("has another format if Accept excludes the one that was painted", async () => {
    const response = await get("", { accept: "image/png;q=0, */*;q=0.5" });
    expect(response.headers.get("content-type")).toBe("image/jpeg");
    expect((await get("?format=jpg")).headers.get("content-type")).toBe("image/jpeg");
  });

  it("has an id that may be in upper case", async () => {
    const upper = path.replace(/[0-9a-f-]{36}/, (id) => id.toUpperCase());
    expect((await service.fetch(upper)).status).toBe(200);
    const signed = await service.fetch(path.replace("/result", "/links"), { method: "POST" });
    const { links } = (await signed.json()) as { links: { result: string } };
    const link = links.result.replace(/[0-9a-f-]{36}/, (id) => id.toUpperCase());
    expect((await fetch(`${service.url}${link}`)).status).toBe(200);
  });

  it("is smaller at a lower quality", async () => {
    const low = await body(await get("?format=jpeg&quality=10"));
    const high = await body(await get("?format=jpeg&quality=95"));
    expect(low.length).toBeLessThan(high.length / 2);
  });

  it("is converted once for requests at the same time", async () => {
    const answers = await Promise.all(
      Array.from({ length: 6 }, async () => body(await get("?format=webp&quality=33"))),
    );
    for (const answer of answers) expect(answer.equals(answers[0] ?? Buffer.alloc(0))).toBe(true);
    expect((await service.storedKeys()).filter((key) => key.endsWith("webp-33"))).toHaveLength(1);
  });

  it("has an ETag for each format and quality, and responds with 304 to it", async () => {
    const tags = new Set<string>();
    for (const query of ["", "?format=jpeg", "?format=jpeg&quality=20", "?format=webp"]) {
      const etag = (await get(query)).headers.get("etag") ?? "";
      expect(etag).toMatch(/^"[^"]+"$/);
      tags.add(etag);
      const again = await get(query, { "if-none-match": `"other", ${etag}` });
      expect(again.status).toBe(304);
      expect(await again.text()).toBe("");
      expect((await get(query, { "if-none-match": '"other"' })).status).toBe(200);
    }
    expect(tags.size).toBe(4);
  });

  it("supports byte ranges", async () => {
    const first = await get("", { range: "bytes=0-99" });
    expect(first.status).toBe(206);
    expect(first.headers.get("content-range")).toBe(`bytes 0-99/${bytes.length}`);
    expect(first.headers.get("content-length")).toBe("100");
    const rest = await get("", { range: "bytes=100-" });
    expect(Buffer.concat([await body(first), await body(rest)]).equals(bytes)).toBe(true);
    const end = await get("", { range: "bytes=-10" });
    expect((await body(end)).equals(bytes.subarray(-10))).toBe(true);
  });

  it("responds with 416 for a range outside the file", async () => {
    const response = await get("", { range: `bytes=${bytes.length}-` });
    expect(response.status).toBe(416);
    expect(response.headers.get("content-range")).toBe(`bytes */${bytes.length}`);
    expect(await problemOf(response)).toMatchObject({ code: "range_not_satisfiable" });
  });

  it("ignores the range if If-Range has another ETag", async () => {
    const etag = (await get()).headers.get("etag") ?? "";
    expect((await get("", { range: "bytes=0-9", "if-range": '"old"' })).status).toBe(200);
    expect((await get("", { range: "bytes=0-9", "if-range": etag })).status).toBe(206);
  });

  it("responds to HEAD with headers only", async () => {
    const response = await get("", {}, "HEAD");
    expect(response.status).toBe(200);
    expect(response.headers.get("content-length")).toBe(String(bytes.length));
    expect(response.headers.get("content-type")).toBe("image/png");
    expect((await body(response)).length).toBe(0);
    const ranged = await get("", { range: "bytes=0-9" }, "HEAD");
    expect([ranged.status, ranged.headers.get("content-length")]).toEqual([200, String(bytes.length)]);
  });

  it.each([
    ["?format=gif", {}, 400, "invalid_request"],
    ["?format=png&quality=0", {}, 400, "invalid_request"],
    ["?size=100", {}, 400, "invalid_request"],
    ["", { accept: "image/png;q=0" }, 406, "not_acceptable"],
    ["", { accept: "image/gif, image/png;q=0" }, 406, "not_acceptable"],
  ])("is rejected for %s %j", async (query, headers, status, code) => {
    const response = await get(query, headers as Record<string, string>);
    expect(response.status).toBe(status);
    expect(await problemOf(response)).toMatchObject({ code });
  });
});

describe("A missing result", () => {
  it("responds with 409 and Retry-After while the job is queued", async () => {
    const response = await service.fetch(`${await submit()}/result`);
    expect(response.status).toBe(409);
    expect(Number(response.headers.get("retry-after"))).toBeGreaterThan(0);
    expect(await problemOf(response)).toMatchObject({ code: "result_not_ready", retryable: true });
  });

  it("responds with 409 for a canceled job", async () => {
    const job = await submit();
    await service.fetch(`${job}/cancel`, { method: "POST" });
    const response = await service.fetch(`${job}/result`);
    expect(response.status).toBe(409);
    expect(await problemOf(response)).toMatchObject({ code: "no_result", retryable: false });
  });

  it("responds with 410 in every format if the picture has been deleted", async () => {
    const expired = await paint();
    const id = expired.split("/")[3] ?? "";
    for await (const { key } of service.store.list(`jobs/${id}/`)) await service.store.delete(key);
    for (const query of ["", "?format=webp"]) {
      const response = await service.fetch(`${expired}${query}`);
      expect(response.status).toBe(410);
      expect(await problemOf(response)).toMatchObject({ code: "result_expired" });
    }
  });
});
