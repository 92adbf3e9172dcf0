import { request } from "node:http";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { decideAnonymousAccess } from "../../src/auth/anonymous-access.ts";
import { TestService } from "../support/harness/service.ts";

describe("Anonymous access", () => {
  it.each([
    ["loopback", "127.0.0.1", true],
    ["loopback", "127.1.2.3", true],
    ["loopback", "localhost", true],
    ["loopback", "::1", true],
    ["loopback", "0.0.0.0", false],
    ["loopback", "::", false],
    ["loopback", "192.168.1.2", false],
    ["loopback", "127.example.com", false],
    ["always", "0.0.0.0", true],
    ["never", "127.0.0.1", false],
  ] as const)("%s at %s: %p", (mode, host, open) => {
    const found = decideAnonymousAccess({ anonymousAccess: mode, host });
    expect(found.isAllowed).toBe(open);
    expect(found.reason).toMatch(open ? /without an API key/ : /requiring an API key/);
  });
});

describe("A service with ANONYMOUS_ACCESS=always", () => {
  it("requires an admin key for metrics and the queue dashboard", async () => {
    const service = await TestService.start({ ANONYMOUS_ACCESS: "always" });
    try {
      expect((await service.fetch("/v1/jobs")).status).toBe(200);
      expect((await service.fetch("/metrics")).status).toBe(401);
      const dashboard = await service.fetch("/admin/queue");
      expect(dashboard.status).toBe(401);
      expect(dashboard.headers.get("www-authenticate")).toMatch(/^Basic /);
      const { text } = await service.apiKeys.create({
        ...{ owner: "operator", name: "", scopes: ["admin"], lifetimeMs: null },
      });
      expect((await service.fetch("/metrics", { headers: { authorization: `Bearer ${text}` } })).status).toBe(
        200,
      );
      // Browsers send Basic credentials with any request, so they must not allow changes.
      const authorization = `Basic ${Buffer.from(`anybody:${text}`).toString("base64")}`;
      expect((await service.fetch("/admin/queue", { headers: { authorization } })).status).toBe(200);
      const pause = await service.fetch("/admin/queue/api/queues/pause", {
        method: "PUT",
        headers: { authorization },
      });
      expect(pause.status).toBe(401);
    } finally {
      await service.stop();
    }
  });
});

describe("A service with anonymous access on loopback", () => {
  let service: TestService;
  beforeAll(async () => {
    service = await TestService.start({ ANONYMOUS_ACCESS: "loopback" });
  });
  afterAll(() => service.stop());

  /** Sends a request with headers that fetch does not allow. */
  const send = (method: string, headers: Record<string, string>, path = "/v1/jobs"): Promise<number> =>
    new Promise((resolve, reject) => {
      const sent = request(`${service.url}${path}`, { method, headers }, (response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
      });
      sent.on("error", reject).end();
    });

  it("accepts requests from this machine without a key", async () => {
    expect(await send("GET", {})).toBe(200);
    expect(await send("GET", { host: "localhost:3000" })).toBe(200);
    expect(await send("GET", { host: "[::1]:3000" })).toBe(200);
  });

  it("rejects a host name that is not loopback (DNS rebinding)", async () => {
    expect(await send("GET", { host: "evil.example:3000" })).toBe(403);
    expect(await send("GET", { host: "127.0.0.1.evil.example" })).toBe(403);
  });

  it("rejects forwarded requests without a key", async () => {
    expect(await send("GET", { "x-forwarded-for": "203.0.113.9" })).toBe(401);
    for (const [name, value] of [
      ["forwarded", "for=203.0.113.9"],
      ["x-forwarded-proto", "https"],
      ["x-forwarded-port", "443"],
      ["via", "1.1 proxy"],
      ["x-real-ip", "127.0.0.1"],
      ["cf-connecting-ip", "203.0.113.9"],
      ["true-client-ip", "203.0.113.9"],
      ["x-cluster-client-ip", "203.0.113.9"],
      ["fly-client-ip", "203.0.113.9"],
      ["x-envoy-external-address", "203.0.113.9"],
      ["cdn-loop", "cloudflare"],
      ["tailscale-user-login", "me@example.org"],
      ["x-our-proxy-says", "203.0.113.9:50123"],
      ["x-our-proxy-says", "10.0.0.1, 2001:db8::1"],
    ] as const)
      expect([name, await send("GET", { [name]: value })]).toEqual([name, 401]);
    expect(await send("GET", { "x-note": "1.0, 2.0", accept: "*/*", "user-agent": "curl/8.5.0" })).toBe(200);
    expect(await send("GET", { "x-forwarded-for": "203.0.113.9" }, "/livez")).toBe(200);
  });

  it("rejects changes from pages of other sites", async () => {
    const { host } = new URL(service.url);
    const cancel = "/v1/jobs/0192d3b0-0000-7000-8000-000000000000/cancel";
    expect(await send("POST", { origin: "https://evil.example" }, cancel)).toBe(403);
    expect(await send("POST", { origin: "null" }, cancel)).toBe(403);
    expect(await send("POST", { origin: `http://${host}`, host }, cancel)).toBe(404);
  });

  it("rejects an invalid key instead of ignoring it", async () => {
    expect(await send("GET", { authorization: "Bearer nst_wrong" })).toBe(401);
  });
});
