import { once } from "node:events";
import { type IncomingMessage, request } from "node:http";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { type Problem, problemSchema } from "../../src/contract/problems.ts";
import { BODY_LIMIT } from "../../src/http/plugins/bodies.ts";
import { TestService } from "../support/harness/service.ts";

const LIMIT = 1_000_000;
let service: TestService;
let job: string;
beforeAll(async () => {
  service = await TestService.start({ MAX_REQUEST_BYTES: String(LIMIT), MAX_UPLOAD_BYTES: "500000" });
  ({ id: job } = await service.submit());
});
afterAll(() => service.stop());

type Headers = Record<string, string>;
const JSON_TYPE = { "content-type": "application/json" };
const FORM_TYPE = { "content-type": "multipart/form-data; boundary=b" };
const part = (name: string) => `--b\r\nContent-Disposition: form-data; name="${name}"; filename="a"\r\n\r\n`;

/** Sends the beginning of a body that never ends, and returns the problem that the service responds with. */
async function sendUnfinished(method: string, path: string, headers: Headers, body = ""): Promise<Problem> {
  const sent = request(`${service.url}${path}`, {
    method,
    headers: { ...service.authorization, ...headers },
  });
  sent.on("error", () => undefined);
  if (body === "") sent.flushHeaders();
  else sent.write(body);
  const [response] = (await once(sent, "response")) as [IncomingMessage];
  const problem = problemSchema.parse(JSON.parse(await text(response)));
  sent.destroy();
  return problem;
}

describe("The response comes before the body is read", () => {
  const announced = { ...JSON_TYPE, "content-length": String(48 * 1024 * 1024) };
  it.each([
    ["an unknown path", "POST", "/nowhere", { ...announced, authorization: "" }, "unknown_route"],
    ["a method that the path does not have", "PUT", "/v1/jobs", announced, "method_not_allowed"],
    ["a missing key", "POST", "/v1/jobs", { ...announced, authorization: "" }, "unauthorized"],
    ["a submission that is too large", "POST", "/v1/jobs", announced, "request_too_large"],
    ["another large body", "POST", "/v1/webhooks/test", announced, "request_too_large"],
    [
      "plain text",
      "POST",
      "/v1/webhooks/test",
      { ...announced, "content-type": "text/plain" },
      "unsupported_media_type",
    ],
    [
      "no media type",
      "POST",
      "/v1/jobs",
      { "content-length": "9", "content-type": "" },
      "unsupported_media_type",
    ],
    [
      "a compressed body",
      "POST",
      "/v1/jobs",
      { ...JSON_TYPE, "content-encoding": "gzip", "content-length": "9" },
      "unsupported_media_type",
    ],
  ] as const)("to %s", async (_, method, path, headers, code) => {
    expect(await sendUnfinished(method, path, headers)).toMatchObject({ code });
  });

  it("and names the media types that are expected", async () => {
    const large = { "content-type": "text/plain", "content-length": "1000" };
    expect((await sendUnfinished("POST", "/v1/jobs", large)).detail).toBe(
      "Expected application/json or multipart/form-data, received text/plain",
    );
    expect((await sendUnfinished("POST", "/v1/webhooks/test", large)).detail).toBe(
      "Expected application/json, received text/plain",
    );
  });
});

describe("Reading stops at the limit", () => {
  const over = "x".repeat(BODY_LIMIT + 1);
  it.each([
    ["the body of a PATCH", "PATCH", "/v1/jobs/JOB", { "content-type": "Application/JSON" }, `{"a":"${over}`],
    ["the body of a continuation", "POST", "/v1/jobs/JOB/continue", JSON_TYPE, `{"a":"${over}`],
    [
      "JSON besides the pictures",
      "POST",
      "/v1/jobs",
      { "content-type": "APPLICATION/json" },
      `{"a":"${over}`,
    ],
    ["many small values", "POST", "/v1/jobs", JSON_TYPE, `[${"{},".repeat(BODY_LIMIT / 3)}{},`],
    ["options as a file", "POST", "/v1/jobs", FORM_TYPE, `${part("options")}${over}`],
    [
      "options as text",
      "POST",
      "/v1/jobs",
      FORM_TYPE,
      `${part("options").replace('; filename="a"', "")}${over}`,
    ],
    [
      "a form",
      "POST",
      "/v1/jobs",
      FORM_TYPE,
      part("content") + `${"x".repeat(499_999)}\r\n${part("style")}`.repeat(3),
    ],
  ] as const)("of %s", async (_, method, path, headers, body) => {
    const problem = await sendUnfinished(method, path.replace("JOB", job), headers, body);
    expect(problem).toMatchObject({ code: "request_too_large", status: 413 });
    expect(await service.spooled()).toEqual([]);
  });

  it("of one picture", async () => {
    const base64 = Buffer.alloc(500_100).toString("base64");
    const json = `{"style":[{"base64":"AAAA"},{"base64":"${base64}`;
    for (const [headers, body] of [
      [FORM_TYPE, `${part("content")}a\r\n${part("style")}a\r\n${part("style")}${"x".repeat(500_100)}`],
      [JSON_TYPE, json],
    ] as const) {
      const { code, errors } = await sendUnfinished("POST", "/v1/jobs", headers, body);
      expect([code, errors?.[0]?.path]).toEqual(["picture_too_large", "style[1]"]);
    }
    expect(await service.spooled()).toEqual([]);
  });
});

describe("An empty body counts as none", () => {
  it.each(["application/json", "application/x-www-form-urlencoded", "text/plain"])(
    "with the type %s",
    async (type) => {
      const { id } = await service.submit();
      const response = await service.fetch(`/v1/jobs/${id}/cancel`, {
        method: "POST",
        headers: { "content-type": type },
        body: "",
      });
      expect([response.status, ((await response.json()) as { status: string }).status]).toEqual([
        200,
        "canceled",
      ]);
      const links = await service.fetch(`/v1/jobs/${id}/links`, {
        method: "POST",
        headers: { "content-type": type },
      });
      expect(links.status).toBe(200);
    },
  );

  it("also if it is chunked", async () => {
    const sent = request(`${service.url}/v1/jobs/${job}/links`, {
      method: "POST",
      headers: { ...service.authorization, ...JSON_TYPE, "transfer-encoding": "chunked" },
    });
    sent.end();
    const [response] = (await once(sent, "response")) as [IncomingMessage];
    response.resume();
    expect(response.statusCode).toBe(200);
  });
});

describe("JSON that is nested 5,000 levels deep", () => {
  const nested = `${"[".repeat(5000)}${"]".repeat(5000)}`;
  it.each([
    ["a continuation", "/v1/jobs/JOB/continue", JSON_TYPE, `{"metadata":{"a":${nested}}}`],
    ["a submission", "/v1/jobs", JSON_TYPE, `{"metadata":{"a":${nested}}}`],
    ["a form", "/v1/jobs", FORM_TYPE, `${part("metadata")}{"a":${nested}}\r\n--b--\r\n`],
  ] as const)("is malformed in %s", async (_, path, headers, body) => {
    const response = await service.fetch(path.replace("JOB", job), { method: "POST", headers, body });
    expect(await response.json()).toMatchObject({ status: 400, code: "malformed_body" });
  });
});
