import { afterEach, describe, expect, it } from "@jest/globals";
import { TestService } from "../support/harness/service.ts";
import { submission } from "../support/jobs.ts";
import { form } from "../support/submission-form.ts";

let service: TestService;
afterEach(() => service.stop());

async function key(owner = "acme"): Promise<Record<string, string>> {
  const { text } = await service.apiKeys.create({
    ...{ owner, name: "", scopes: ["submit", "read"], lifetimeMs: null },
  });
  return { authorization: `Bearer ${text}` };
}

describe("Rate limits", () => {
  it("count the requests of each key, report the count, and reject the first request over the limit", async () => {
    service = await TestService.start({ RATE_LIMIT_REQUESTS: "3" });
    const headers = await key();
    for (const left of [2, 1, 0]) {
      const response = await service.fetch("/v1/jobs", { headers });
      expect(response.status).toBe(200);
      expect(response.headers.get("ratelimit-policy")).toBe('"requests";q=3;w=60');
      expect(response.headers.get("ratelimit")).toMatch(new RegExp(`^"requests";r=${left};t=\\d+$`));
    }
    const rejected = await service.fetch("/v1/jobs", { headers });
    expect(rejected.status).toBe(429);
    expect(Number(rejected.headers.get("retry-after"))).toBeGreaterThan(0);
    expect(rejected.headers.get("ratelimit")).toMatch(/^"requests";r=0;t=\d+$/);
    expect(await rejected.json()).toMatchObject({ code: "rate_limited", retryable: true });
    expect((await service.fetch("/v1/jobs", { headers: await key() })).status).toBe(200);
    expect((await service.fetch("/livez")).headers.get("ratelimit")).toBeNull();
  });

  it("count jobs separately, before their pictures are read", async () => {
    service = await TestService.start({ RATE_LIMIT_JOBS: "1" });
    const headers = await key();
    const post = async () =>
      await service.fetch("/v1/jobs", {
        method: "POST",
        body: await form({ options: '{"size":64}' }),
        headers,
      });
    const first = await post();
    expect(first.status).toBe(202);
    expect(first.headers.get("ratelimit-policy")).toBe('"requests";q=1200;w=60, "jobs";q=1;w=60');
    expect((await post()).status).toBe(429);
    expect((await service.fetch("/v1/jobs", { headers })).status).toBe(200);
  });

  it("count each job of a batch, and each retry", async () => {
    service = await TestService.start({ RATE_LIMIT_JOBS: "5" });
    const headers = await key();
    const batch = async (styles: number) => {
      const body = await form({ options: '{"size":64}' }, styles);
      const response = await service.fetch("/v1/batches", { method: "POST", body, headers });
      const { code = "accepted", jobs = [] } = (await response.json()) as {
        code?: string;
        jobs?: { job: { id: string } }[];
      };
      return { code, ids: jobs.map(({ job }) => job.id) };
    };
    expect((await batch(6)).code).toBe("too_many_jobs");
    const { code, ids } = await batch(3);
    expect(code).toBe("accepted");
    expect((await batch(3)).code).toBe("rate_limited");
    expect((await service.queue.list({ limit: 10 })).length).toBe(3);
    const statuses: number[] = [];
    for (const id of ids) {
      await service.fetch(`/v1/jobs/${id}/cancel`, { method: "POST", headers });
      statuses.push((await service.fetch(`/v1/jobs/${id}/retry`, { method: "POST", headers })).status);
    }
    expect(statuses).toEqual([429, 429, 429]);
  });

  it("count addresses if no key is required, but not on a loopback-only service", async () => {
    service = await TestService.start({
      ANONYMOUS_ACCESS: "always",
      RATE_LIMIT_REQUESTS: "1",
      TRUSTED_PROXIES: "127.0.0.1/32",
    });
    const from = (address: string) => service.fetch("/v1/jobs", { headers: { "x-forwarded-for": address } });
    expect((await from("203.0.113.1")).status).toBe(200);
    expect((await from("203.0.113.1")).status).toBe(429);
    expect((await from("203.0.113.2")).status).toBe(200);
    await service.stop();
    service = await TestService.start({ ANONYMOUS_ACCESS: "loopback", RATE_LIMIT_REQUESTS: "1" });
    expect((await service.fetch("/v1/jobs")).status).toBe(200);
    expect((await service.fetch("/v1/jobs")).status).toBe(200);
  });

  it("reject every request while Redis cannot be reached", async () => {
    service = await TestService.start({ ANONYMOUS_ACCESS: "always", RATE_LIMIT_REQUESTS: "1000" });
    await service.redisServer.kill();
    const response = await service.fetch("/v1/jobs");
    expect(response.status).toBe(503);
    expect(await response.json()).toMatchObject({ code: "unavailable" });
  });
});

describe("Quotas", () => {
  it("hold for retries that arrive at the same time", async () => {
    service = await TestService.start({ MAX_QUEUED_JOBS_PER_OWNER: "2" });
    const headers = await key();
    const ids: string[] = [];
    for (let count = 0; count < 6; count += 1) {
      const { id } = await service.queue.submit(submission({ owner: "acme" }));
      await service.queue.cancel(id);
      ids.push(id);
    }
    const responses = await Promise.all(
      ids.map((id) => service.fetch(`/v1/jobs/${id}/retry`, { method: "POST", headers })),
    );
    expect(responses.map(({ status }) => status).sort()).toEqual([202, 202, 429, 429, 429, 429]);
    expect((await service.queue.statistics.countByStatus()).queued).toBe(2);
    const rejected = responses.find(({ status }) => status === 429);
    expect(await rejected?.json()).toMatchObject({ code: "quota_exceeded" });
  });

  it("limit the queued jobs and the stored jobs of each owner", async () => {
    service = await TestService.start({
      MAX_QUEUED_JOBS_PER_OWNER: "1",
      MAX_JOBS_PER_OWNER: "2",
    });
    const headers = await key();
    const post = async (as = headers) =>
      await service.fetch("/v1/jobs", {
        method: "POST",
        body: await form({ options: '{"size":64}' }),
        headers: as,
      });
    const first = ((await (await post()).json()) as { id: string }).id;
    const overQueued = await post();
    expect(overQueued.status).toBe(429);
    expect(await overQueued.json()).toMatchObject({
      code: "quota_exceeded",
      detail: expect.stringContaining("1 queued jobs"),
    });
    expect((await post(await key("other"))).status).toBe(202);
    await service.fetch(`/v1/jobs/${first}/cancel`, { method: "POST", headers });
    const second = ((await (await post()).json()) as { id: string }).id;
    await service.fetch(`/v1/jobs/${second}/cancel`, { method: "POST", headers });
    expect(await (await post()).json()).toMatchObject({ detail: expect.stringContaining("stored jobs") });
    // A stored job can be retried: it does not add to the stored jobs.
    expect((await service.fetch(`/v1/jobs/${second}/retry`, { method: "POST", headers })).status).toBe(202);
    await service.fetch(`/v1/jobs/${second}/cancel`, { method: "POST", headers });
    // Two pictures of each owner, however many jobs use them: rejected requests left none.
    expect(await service.storedKeys()).toHaveLength(4);
    await service.fetch(`/v1/jobs/${first}`, { method: "DELETE", headers });
    expect((await post()).status).toBe(202);
    expect(await service.queue.submit(submission({ owner: "third" }))).toMatchObject({ status: "queued" });
  });
});
