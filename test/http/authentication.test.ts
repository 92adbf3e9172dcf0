import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import type { Scope } from "../../src/contract/auth.ts";
import type { JobView } from "../../src/contract/job.ts";
import { TestService } from "../support/harness/service.ts";
import { submission } from "../support/jobs.ts";
import { jpeg } from "../support/pictures.ts";
import { form } from "../support/submission-form.ts";

/** Every route with a job in its path, and the scope that it requires. */
const JOB_ROUTES: [method: string, path: string, scope: Scope][] = [
  ["GET", "", "read"],
  ["HEAD", "", "read"],
  ["GET", "/result", "read"],
  ["GET", "/preview", "read"],
  ["GET", "/losses", "read"],
  ["GET", "/timelapse", "read"],
  ["GET", "/content", "read"],
  ["GET", "/styles/0", "read"],
  ["GET", "/events", "read"],
  ["POST", "/links", "read"],
  ["POST", "/cancel", "submit"],
  ["POST", "/retry", "submit"],
  ["PATCH", "", "submit"],
  ["POST", "/continue", "submit"],
  ["DELETE", "", "submit"],
];

let service: TestService;
beforeAll(async () => {
  service = await TestService.start();
  // Each request here names its own key, or none.
  service.apiKey = undefined;
});
afterAll(() => service.stop());

async function key(owner: string, ...scopes: Scope[]): Promise<Record<string, string>> {
  const all = scopes.length > 0 ? scopes : (["submit", "read"] as const);
  const { text } = await service.apiKeys.create({ owner, name: "", scopes: all, lifetimeMs: null });
  return { authorization: `Bearer ${text}` };
}

async function submit(headers: Record<string, string>): Promise<JobView> {
  const body = await form({ options: '{"size":64}' });
  const response = await service.fetch("/v1/jobs", { method: "POST", body, headers });
  expect(response.status).toBe(202);
  return (await response.json()) as JobView;
}

describe("A service that requires API keys", () => {
  it("responds with 401 on every job route without a key", async () => {
    const { id } = await submit(await key("acme"));
    const routes: [string, string][] = [
      ...JOB_ROUTES.map(([method, path]): [string, string] => [method, `/v1/jobs/${id}${path}`]),
      ...[["GET", "/v1/jobs"] as [string, string], ["POST", "/v1/jobs"] as [string, string]],
      ["GET", "/metrics"],
    ];
    for (const [method, path] of routes) {
      const response = await service.fetch(path, { method });
      expect([method, path, response.status]).toEqual([method, path, 401]);
      expect(response.headers.get("www-authenticate")).toBe('Bearer realm="nst"');
      if (method !== "HEAD") expect(await response.json()).toMatchObject({ code: "unauthorized" });
    }
  });

  it("responds to every operation on another owner's job as if it did not exist", async () => {
    const job = await submit(await key("acme"));
    const stranger = await key("other", "submit", "read", "admin");
    const { paths = {} } = service.app.swagger() as { paths?: Record<string, Record<string, unknown>> };
    const operations = Object.entries(paths)
      .filter(([path]) => path.includes("{id}"))
      .flatMap(([path, methods]) =>
        Object.keys(methods).map((method) => [method.toUpperCase(), path] as const),
      );
    expect(operations.length).toBeGreaterThan(10);
    const send = async (method: string, path: string, id: string, headers: Record<string, string>) => {
      const body = method === "PATCH" ? { body: '{"tv_weight":1}' } : method === "POST" ? { body: "{}" } : {};
      const all = { ...headers, ...("body" in body && { "content-type": "application/json" }) };
      const { status } = await service.fetch(path.replace("{id}", id).replace("{index}", "0"), {
        ...{ method, headers: all },
        ...body,
      });
      return status;
    };
    for (const [method, path] of operations) {
      const seen = [
        await send(method, path, job.id, stranger),
        await send(method, path, submission().id, stranger),
        await send(method, path, job.id, {}),
      ];
      expect([method, path, ...seen]).toEqual([method, path, 404, 404, 401]);
    }
  });

  it("requires no key on public routes", async () => {
    for (const path of ["/livez", "/v1/presets", "/docs", "/openapi.yaml"]) {
      expect((await service.fetch(path)).status).toBe(200);
    }
    expect((await service.fetch("/readyz")).status).toBe(503);
    expect((await service.fetch("/nothing")).status).toBe(404);
  });

  it.each([
    "Bearer nst_000000000000_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    "Bearer something",
    "Basic YTpi",
    "nst_000000000000",
    "Bearer",
  ])("rejects %j as a key", async (authorization) => {
    const response = await service.fetch("/v1/jobs", { headers: { authorization } });
    expect(response.status).toBe(401);
    expect(response.headers.get("www-authenticate")).toContain('error="invalid_token"');
  });

  it("responds with 403 if the key lacks the scope", async () => {
    const { id } = await submit(await key("acme"));
    for (const [method, path, scope] of JOB_ROUTES) {
      const others = (["submit", "read", "admin"] as const).filter((one) => one !== scope);
      const headers = await key("acme", ...others);
      const response = await service.fetch(`/v1/jobs/${id}${path}`, { method, headers });
      expect([method, path, response.status]).toEqual([method, path, 403]);
      if (method !== "HEAD") expect(await response.json()).toMatchObject({ code: "forbidden" });
    }
    expect((await service.fetch("/metrics", { headers: await key("acme") })).status).toBe(403);
    expect((await service.fetch("/metrics", { headers: await key("acme", "admin") })).status).toBe(200);
  });

  it("responds with the same problem for another owner's job as for a missing one, and does not change it", async () => {
    const owner = await key("acme");
    const stranger = await key("other", "submit", "read", "admin");
    const job = await submit(owner);
    for (const [method, path] of JOB_ROUTES.filter(([name]) => name !== "PATCH")) {
      const response = await service.fetch(`/v1/jobs/${job.id}${path}`, { method, headers: stranger });
      const missing = `/v1/jobs/${submission().id}${path}`;
      const none = await service.fetch(missing, { method, headers: stranger });
      expect([method, path, response.status, none.status]).toEqual([method, path, 404, 404]);
      if (method === "HEAD") continue;
      const [theirs, nobodys] = (await Promise.all([response.json(), none.json()])) as { detail: string }[];
      expect(theirs).toMatchObject({ code: "job_not_found" });
      expect(theirs?.detail.replace(job.id, "ID")).toBe(nobodys?.detail.replace(/"[0-9a-f-]{36}"/, '"ID"'));
    }
    const now = await service.fetch(`/v1/jobs/${job.id}`, { headers: owner });
    expect(await now.json()).toMatchObject({ id: job.id, status: "queued" });
  });

  it("lists the jobs of the owner, whichever key created them", async () => {
    const [one, another] = [await key("lister"), await key("lister")];
    const jobs = [await submit(one), await submit(another)];
    await submit(await key("somebody"));
    await service.fetch(`/v1/jobs/${jobs[0]?.id}/cancel`, { method: "POST", headers: one });
    const list = async (query: string) => {
      const answer = await service.fetch(`/v1/jobs${query}`, { headers: another });
      return ((await answer.json()) as { jobs: JobView[] }).jobs.map(({ id }) => id);
    };
    expect(await list("")).toEqual([jobs[1]?.id, jobs[0]?.id]);
    expect(await list("?status=canceled")).toEqual([jobs[0]?.id]);
    expect(await list("?status=queued")).toEqual([jobs[1]?.id]);
    await service.fetch(`/v1/jobs/${jobs[0]?.id}`, { method: "DELETE", headers: one });
    expect(await list("")).toEqual([jobs[1]?.id]);
    expect(await list("?status=canceled")).toEqual([]);
  });

  it("separates the idempotency keys of different owners", async () => {
    const picture = { base64: Buffer.from(await jpeg()).toString("base64") };
    const body = JSON.stringify({ content: picture, style: picture, options: { size: 64, seed: 1 } });
    const post = async (headers: Record<string, string>) => {
      const all = { ...headers, "content-type": "application/json", "idempotency-key": "1" };
      return (await service.fetch("/v1/jobs", { method: "POST", body, headers: all })).json();
    };
    const [one, same, other] = [
      await post(await key("a")),
      await post(await key("a")),
      await post(await key("b")),
    ];
    expect((same as JobView).id).toBe((one as JobView).id);
    expect((other as JobView).id).not.toBe((one as JobView).id);
  });

  it("logs the owner and the id of the key, but never the key", async () => {
    const headers = await key("logged");
    await service.fetch("/v1/jobs", { headers });
    await service.fetch("/v1/jobs", { headers: { authorization: `${headers.authorization}x` } });
    const log = JSON.stringify(service.logged);
    expect(service.logged).toContainEqual(expect.objectContaining({ owner: "logged", status: 200 }));
    expect(log).not.toContain(headers.authorization?.slice(-43));
  });
});
