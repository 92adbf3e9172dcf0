import { once } from "node:events";
import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { redactPaths } from "../../src/http/views/redact-paths.ts";
import { ROOT } from "../../src/root.ts";
import { sendFakeHeartbeat } from "../support/fake-worker.ts";
import { TestService } from "../support/harness/service.ts";
import { jpeg } from "../support/pictures.ts";
import { form } from "../support/submission-form.ts";

let service: TestService;
beforeAll(async () => {
  service = await TestService.start({
    CORS_ORIGINS: "https://shop.example",
    HEADERS_TIMEOUT_SECONDS: "1",
    REQUEST_TIMEOUT_SECONDS: "2",
  });
});
afterAll(() => service.stop());

/** Sends `head`, then `drip` every 100 ms, and returns the response when the connection is closed. */
async function sendSlowly(head: string, drip: string): Promise<string> {
  const socket = connect(service.port, "127.0.0.1");
  await once(socket, "connect");
  let answer = "";
  socket.on("data", (bytes: Buffer) => {
    answer += bytes.toString();
  });
  socket.on("error", () => undefined);
  const closed = once(socket, "close");
  socket.write(head);
  const timer = setInterval(() => socket.write(drip), 100);
  await closed;
  clearInterval(timer);
  return answer;
}

describe("Slow requests", () => {
  it("are aborted while their headers arrive", async () => {
    const answer = await sendSlowly("GET /v1/presets HTTP/1.1\r\nHost: localhost\r\nX-Slow: ", "a");
    expect(answer).toMatch(/^HTTP\/1\.1 408 /);
    expect(answer).toContain('"code":"request_timeout"');
  });

  it("are aborted while their body arrives", async () => {
    const { text } = await service.apiKeys.create({
      ...{ owner: "slow", name: "", scopes: ["submit"], lifetimeMs: null },
    });
    const head = `POST /v1/jobs HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${text}\r\n`;
    const answer = await sendSlowly(
      `${head}Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{`,
      " ",
    );
    expect(answer).toMatch(/^HTTP\/1\.1 4(00|08) /);
  });

  it("do not delay other requests", async () => {
    const sockets = Array.from({ length: 200 }, () => connect(service.port, "127.0.0.1"));
    for (const socket of sockets) socket.on("error", () => undefined).write("GET / HTTP/1.1\r\nX: ");
    expect((await service.fetch("/livez")).status).toBe(200);
    for (const socket of sockets) socket.destroy();
  });
});

describe("Requests that are too large", () => {
  it("are rejected if their headers are too large", async () => {
    const response = await service.fetch("/v1/presets", { headers: { "x-large": "a".repeat(20_000) } });
    expect(response.status).toBe(413);
    expect(await response.json()).toMatchObject({ code: "request_too_large" });
  });
});

describe("Pages of other sites", () => {
  const preflight = (origin: string) =>
    service.fetch("/v1/jobs", {
      method: "OPTIONS",
      headers: {
        origin,
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization",
      },
    });

  it("may call the API if CORS_ORIGINS names them", async () => {
    const response = await preflight("https://shop.example");
    expect(response.status).toBe(204);
    expect(response.headers.get("access-control-allow-origin")).toBe("https://shop.example");
    expect(response.headers.get("access-control-allow-headers")).toContain("authorization");
    expect(response.headers.get("access-control-allow-credentials")).toBeNull();
  });

  it("get 404 for an unknown path, and may send their trace", async () => {
    const headers = { origin: "https://shop.example" };
    const unknown = await service.fetch("/nothing", { headers });
    expect(unknown.status).toBe(404);
    expect(unknown.headers.get("access-control-allow-origin")).toBe("https://shop.example");
    expect((await service.fetch("/v1/jobs", { method: "PUT", headers })).headers.get("allow")).toBe(
      "GET, HEAD, POST",
    );
    const response = await preflight("https://shop.example");
    expect(response.headers.get("access-control-allow-headers")).toContain("traceparent");
  });

  it("may not call the API otherwise", async () => {
    expect((await preflight("https://evil.example")).headers.get("access-control-allow-origin")).not.toBe(
      "https://evil.example",
    );
    const closed = await TestService.start();
    try {
      const response = await closed.fetch("/v1/presets", { headers: { origin: "https://shop.example" } });
      expect(response.headers.get("access-control-allow-origin")).toBeNull();
    } finally {
      await closed.stop();
    }
  });
});

describe("Responses", () => {
  it("have security headers", async () => {
    for (const path of ["/", "/docs", "/v1/presets", "/nothing"]) {
      const { headers } = await service.fetch(path);
      expect(headers.get("x-content-type-options")).toBe("nosniff");
      expect(headers.get("content-security-policy")).toMatch(/default-src '(self|none)'/);
      expect(headers.get("content-security-policy")).toContain("frame-ancestors 'none'");
      expect(headers.get("referrer-policy")).toBe("no-referrer");
      expect(headers.get("x-powered-by")).toBeNull();
    }
  });

  it("have more security headers if they are pages", async () => {
    const names = ["cross-origin-opener-policy", "x-permitted-cross-domain-policies", "x-frame-options"];
    const sent = async (path: string) => {
      const { headers } = await service.fetch(path);
      return names.map((name) => headers.get(name));
    };
    expect(await sent("/docs")).toEqual(["same-origin", "none", "SAMEORIGIN"]);
    expect(await sent("/")).toEqual(["same-origin", "none", "SAMEORIGIN"]);
    expect(await sent("/livez")).toEqual([null, null, "SAMEORIGIN"]);
  });

  it("contain no internal path and no stack trace", async () => {
    const { text } = await service.apiKeys.create({
      ...{ owner: "prober", name: "", scopes: ["submit", "read"], lifetimeMs: null },
    });
    const authorization = `Bearer ${text}`;
    const json = { authorization, "content-type": "application/json" };
    const picture = { base64: Buffer.from("not a picture").toString("base64") };
    const broken = { base64: Buffer.from((await jpeg()).subarray(0, 200)).toString("base64") };
    const requests: [string, RequestInit][] = [
      ["/v1/jobs/%00", { headers: { authorization } }],
      ["/v1/jobs/../../etc/passwd", { headers: { authorization } }],
      ["/v1/jobs/%2e%2e%2fetc%2fpasswd/result", { headers: { authorization } }],
      ["/studio/%2e%2e%2fpackage.json", {}],
      ["/%ff", {}],
      ["/v1/jobs?limit=many", { headers: { authorization } }],
      ["/v1/jobs", { method: "POST", headers: json, body: "{" }],
      ["/v1/jobs", { method: "POST", headers: json, body: '{"__proto__":{"a":1},"content":{}}' }],
      [
        "/v1/jobs",
        { method: "POST", headers: json, body: JSON.stringify({ content: picture, style: picture }) },
      ],
      [
        "/v1/jobs",
        { method: "POST", headers: json, body: JSON.stringify({ content: broken, style: broken }) },
      ],
      [
        "/v1/jobs",
        { method: "POST", headers: { authorization, "content-type": "multipart/form-data" }, body: "x" },
      ],
      ["/v1/jobs", { method: "POST", headers: { authorization }, body: await form({ options: "{" }) }],
    ];
    for (const [path, init] of requests) {
      const response = await service.fetch(path, init);
      const body = await response.text();
      expect([path, response.status >= 400 && response.status < 500]).toEqual([path, true]);
      expect(response.headers.get("content-type")).toContain("application/problem+json");
      for (const internal of [
        ROOT,
        "node_modules",
        service.config.dataDirectory,
        "    at ",
        ".ts:",
        ".js:",
      ]) {
        expect([path, body.includes(internal)]).toEqual([path, false]);
      }
    }
  });
});

describe("Internal errors", () => {
  const path = "/srv/nst/models/vgg19/model.json";

  it("are reported to clients without paths", async () => {
    const reason = { code: "weights_missing", message: `${path}: not there (1/2)` };
    await sendFakeHeartbeat(service, { ready: false, reason });
    const text = await (await service.fetch("/readyz")).text();
    expect(text).toContain("weights_missing: [path]: not there (1/2)");
    expect(text).not.toContain("models/vgg19");
  });

  it("keep text that is not a path", () => {
    for (const text of [
      "1/2 of 3/4",
      "image/png, image/webp",
      "https://example.com/a/b",
      "/ alone",
      "a/b/c",
    ]) {
      expect(redactPaths(text)).toBe(text);
    }
    expect(redactPaths(`ENOSPC, open '${path}'`)).toBe("ENOSPC, open '[path]'");
  });
});

describe("The log", () => {
  it("contains no key, no signature and no picture, at any level", async () => {
    const { key, text } = await service.apiKeys.create({
      ...{ owner: "logged", name: "", scopes: ["submit", "read"], lifetimeMs: null },
    });
    const authorization = `Bearer ${text}`;
    const bytes = Buffer.from(await jpeg());
    const picture = { base64: bytes.toString("base64") };
    const submit = async (body: object) =>
      await service.fetch("/v1/jobs", {
        method: "POST",
        headers: {
          authorization,
          "content-type": "application/json",
          "idempotency-key": "secret-idempotency",
        },
        body: JSON.stringify(body),
      });
    const accepted = await submit({ content: picture, style: picture, options: { size: 64 } });
    const { id } = (await accepted.json()) as { id: string };
    const sent = await service.fetch("/v1/jobs", {
      method: "POST",
      body: await form(),
      headers: { authorization },
    });
    expect(sent.status).toBe(202);
    await submit({ content: picture, style: { base64: `${picture.base64.slice(0, -8)}!!!!` } });
    const headers = { authorization, "content-type": "application/json" };
    const signed = await service.fetch(`/v1/jobs/${id}/links`, { method: "POST", headers, body: "{}" });
    const { links } = (await signed.json()) as { links: { preview: string } };
    await service.fetch(links.preview);
    await service.fetch(`/v1/jobs?authorization=${text}`, { headers: { authorization } });
    await service.fetch(`/v1/jobs/${id}`, { headers: { cookie: "session=secret-cookie", authorization } });
    const log = JSON.stringify(service.logged);
    expect(log).toContain(key.id);
    const secrets = [
      ...[
        text,
        text.slice(-43),
        "secret-cookie",
        picture.base64.slice(0, 60),
        bytes.toString("latin1").slice(0, 40),
      ],
      new URL(links.preview, "http://a").searchParams.get("signature") ?? "none",
    ];
    for (const secret of secrets) expect(log).not.toContain(secret);
  });
});
