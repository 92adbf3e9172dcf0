import { once } from "node:events";
import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { withoutPaths } from "../../src/http/views/without-paths.ts";
import { ROOT } from "../../src/root.ts";
import { announce } from "../support/announced-worker.ts";
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

/** Says `head`, then a byte every now and then, and gives what comes back before the connection is closed. */
async function dawdle(head: string, drip: string): Promise<string> {
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
  it("are cut off while their head comes", async () => {
    const answer = await dawdle("GET /v1/presets HTTP/1.1\r\nHost: localhost\r\nX-Slow: ", "a");
    expect(answer).toMatch(/^HTTP\/1\.1 408 /);
    expect(answer).toContain('"code":"request_timeout"');
  });

  it("are cut off while their body comes", async () => {
    const { text } = await service.apiKeys.create({
      ...{ owner: "slow", name: "", scopes: ["submit"], lifetimeMs: null },
    });
    const head = `POST /v1/jobs HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${text}\r\n`;
    const answer = await dawdle(
      `${head}Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{`,
      " ",
    );
    expect(answer).toMatch(/^HTTP\/1\.1 4(00|08) /);
  });

  it("do not keep others waiting", async () => {
    const sockets = Array.from({ length: 200 }, () => connect(service.port, "127.0.0.1"));
    for (const socket of sockets) socket.on("error", () => undefined).write("GET / HTTP/1.1\r\nX: ");
    expect((await service.fetch("/livez")).status).toBe(200);
    for (const socket of sockets) socket.destroy();
  });
});

describe("Requests that are too large", () => {
  it("are refused by their head", async () => {
    const response = await service.fetch("/v1/presets", { headers: { "x-large": "a".repeat(20_000) } });
    expect(response.status).toBe(413);
    expect(await response.json()).toMatchObject({ code: "request_too_large" });
  });
});

describe("Other sites' pages", () => {
  const preflight = (origin: string) =>
    service.fetch("/v1/jobs", {
      method: "OPTIONS",
      headers: {
        origin,
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization",
      },
    });

  it("may ask where they are named, with a key", async () => {
    const response = await preflight("https://shop.example");
    expect(response.status).toBe(204);
    expect(response.headers.get("access-control-allow-origin")).toBe("https://shop.example");
    expect(response.headers.get("access-control-allow-headers")).toContain("authorization");
    expect(response.headers.get("access-control-allow-credentials")).toBeNull();
  });

  it("may not where they are not", async () => {
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

describe("Answers", () => {
  it("carry what browsers are to obey", async () => {
    for (const path of ["/", "/docs", "/v1/presets", "/nothing"]) {
      const { headers } = await service.fetch(path);
      expect(headers.get("x-content-type-options")).toBe("nosniff");
      expect(headers.get("content-security-policy")).toMatch(/default-src '(self|none)'/);
      expect(headers.get("content-security-policy")).toContain("frame-ancestors 'none'");
      expect(headers.get("referrer-policy")).toBe("no-referrer");
      expect(headers.get("x-powered-by")).toBeNull();
    }
  });

  it("carry more where they are pages", async () => {
    const names = ["cross-origin-opener-policy", "x-permitted-cross-domain-policies", "x-frame-options"];
    const sent = async (path: string) => {
      const { headers } = await service.fetch(path);
      return names.map((name) => headers.get(name));
    };
    expect(await sent("/docs")).toEqual(["same-origin", "none", "SAMEORIGIN"]);
    expect(await sent("/")).toEqual(["same-origin", "none", "SAMEORIGIN"]);
    expect(await sent("/livez")).toEqual([null, null, "SAMEORIGIN"]);
  });

  it("name no path and show no stack, whatever is sent", async () => {
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
      for (const inside of [ROOT, "node_modules", service.config.dataDirectory, "    at ", ".ts:", ".js:"]) {
        expect([path, body.includes(inside)]).toEqual([path, false]);
      }
    }
  });
});

describe("What went wrong inside", () => {
  const path = "/srv/nst/models/vgg19/model.json";

  it("is told to strangers without where it did", async () => {
    const reason = { code: "weights_missing", message: `${path}: not there (1/2)` };
    await announce(service, { ready: false, reason });
    const text = await (await service.fetch("/readyz")).text();
    expect(text).toContain("weights_missing: (a path of the service): not there (1/2)");
    expect(text).not.toContain("models/vgg19");
  });

  it("keeps what is no path", () => {
    for (const text of [
      "1/2 of 3/4",
      "image/png, image/webp",
      "https://example.com/a/b",
      "/ alone",
      "a/b/c",
    ]) {
      expect(withoutPaths(text)).toBe(text);
    }
    expect(withoutPaths(`ENOSPC, open '${path}'`)).toBe("ENOSPC, open '(a path of the service)'");
  });
});

describe("The log", () => {
  it("has no key, no link's signature and no picture in it", async () => {
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
