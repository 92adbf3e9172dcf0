import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { TestService } from "../support/harness/service.ts";
import { submission } from "../support/jobs.ts";
import { until } from "../support/until.ts";

let service: TestService;
let key: Record<string, string>;
let id: string;

beforeAll(async () => {
  service = await TestService.start();
  // Each request here names its own key, or none.
  service.apiKey = undefined;
  service.startWorker();
  const { text } = await service.apiKeys.create({
    ...{ owner: "acme", name: "", scopes: ["submit", "read"], lifetimeMs: null },
  });
  key = { authorization: `Bearer ${text}` };
  const job = submission({ owner: "acme" });
  id = job.id;
  await service.queue.submit(job);
  await until(async () => (await service.queue.find(id))?.status === "succeeded");
});
afterAll(() => service.stop());

interface Links {
  expires_at: string;
  links: { result: string; preview: string };
}

async function links(body?: object): Promise<Links> {
  const response = await service.fetch(`/v1/jobs/${id}/links`, {
    method: "POST",
    headers: { ...key, ...(body && { "content-type": "application/json" }) },
    ...(body && { body: JSON.stringify(body) }),
  });
  expect(response.status).toBe(200);
  return (await response.json()) as Links;
}

describe("A signed link", () => {
  it("gives access to the result without a key, also from pages of other sites", async () => {
    const given = await links({ expires_in: 600 });
    expect(Date.parse(given.expires_at) - Date.now()).toBeLessThanOrEqual(600_000);
    const response = await service.fetch(given.links.result);
    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toMatch(/^image\//);
    expect(response.headers.get("cross-origin-resource-policy")).toBe("cross-origin");
    expect(response.headers.get("content-security-policy")).toContain("sandbox");
    // The link is valid, but the job has no preview.
    expect((await service.fetch(given.links.preview)).status).toBe(409);
  });

  it("has the format and the quality that its owner asked for, and no other", async () => {
    const { links: signed } = await links({ format: "webp", quality: 71 });
    expect((await service.fetch(signed.result)).headers.get("content-type")).toBe("image/webp");
    expect(signed.preview).not.toContain("webp");
    const converted = service.conversionPool.started.convert;
    const plain = (await links()).links.result;
    const changed = [
      `${plain}&format=webp`,
      `${plain}&quality=3`,
      signed.result.replace("quality=71", "quality=72"),
      signed.result.replace("format=webp&", ""),
      `${signed.result}&format=avif`,
    ];
    for (const url of changed) {
      const response = await service.fetch(url);
      expect([response.status, ((await response.json()) as { code: string }).code]).toEqual([
        ...[403, "invalid_link"],
      ]);
    }
    expect(service.conversionPool.started.convert).toBe(converted);
  });

  it("is valid for an hour by default", async () => {
    const { expires_at } = await links();
    expect(Math.round((Date.parse(expires_at) - Date.now()) / 60_000)).toBe(60);
  });

  it("gives access to no other path and no other method", async () => {
    const query = (await links()).links.result.split("?")[1];
    const other = submission({ owner: "acme" });
    await service.queue.submit(other);
    const codes = [
      await service.fetch(`/v1/jobs/${other.id}/result?${query}`),
      await service.fetch(`/v1/jobs/${id}/preview?${query}`),
      await service.fetch(`/v1/jobs/${id}?${query}`),
      await service.fetch(`/v1/jobs/${id}/events?${query}`),
      await service.fetch(`/v1/jobs?${query}`),
      await service.fetch(`/v1/jobs/${id}/links?${query}`, { method: "POST" }),
      await service.fetch(`/v1/jobs/${id}?${query}`, { method: "DELETE" }),
    ].map(({ status }) => status);
    expect(codes).toEqual([403, 403, 401, 401, 401, 401, 401]);
  });

  it("is rejected if it was changed or has expired", async () => {
    const { result } = (await links()).links;
    const [path, query] = result.split("?");
    const given = new URLSearchParams(query);
    const changed = (name: string, value: string) => {
      const one = new URLSearchParams(given);
      one.set(name, value);
      return `${path}?${one}`;
    };
    const past = Math.floor(Date.now() / 1000) - 1;
    const urls = [
      changed("expires", String(Number(given.get("expires")) + 1)),
      changed("expires", "never"),
      changed("signature", `${given.get("signature")}A`),
      changed("signature", "A".repeat(43)),
      await service.signedLinks.sign(path ?? "", past),
    ];
    for (const url of urls) {
      const response = await service.fetch(url);
      expect(response.status).toBe(403);
      expect(await response.json()).toMatchObject({ code: "invalid_link" });
    }
  });

  it("can only be created by the owner of the job", async () => {
    const { text } = await service.apiKeys.create({
      ...{ owner: "other", name: "", scopes: ["submit", "read"], lifetimeMs: null },
    });
    const headers = { authorization: `Bearer ${text}` };
    const response = await service.fetch(`/v1/jobs/${id}/links`, { method: "POST", headers });
    expect(response.status).toBe(404);
  });

  it("stays valid for the grace period after a rotation of the secret", async () => {
    const { result } = (await links()).links;
    await service.signedLinks.rotate(60_000);
    expect((await service.fetch(result)).status).toBe(200);
    const { pathname, searchParams } = new URL(result, service.url);
    const signature = {
      expires: Number(searchParams.get("expires")),
      signature: searchParams.get("signature") ?? "",
    };
    const isValidIn = (ms: number) => service.signedLinks.verify(pathname, {}, signature, Date.now() + ms);
    expect(await isValidIn(50_000)).toBe(true);
    expect(await isValidIn(70_000)).toBe(false);
    const next = (await links()).links.result;
    expect((await service.fetch(next)).status).toBe(200);
    await service.signedLinks.rotate(0);
    expect((await service.fetch(result)).status).toBe(403);
    expect((await service.fetch(next)).status).toBe(403);
  });
});
