import { once } from "node:events";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "@jest/globals";
import { type JobView, jobViewSchema } from "../../src/contract/job.ts";
import { PROBLEMS, type Problem, type ProblemCode, problemSchema } from "../../src/contract/problems.ts";
import { TestService } from "../support/harness/service.ts";
import { jpeg, png } from "../support/pictures.ts";

let service: TestService;
let server: Server;
let url: string;
let answer: RequestListener = (_request, response) => void response.end();
let cat: string;
let stone: string;
beforeAll(async () => {
  service = await TestService.start({
    MAX_UPLOAD_BYTES: "100000",
    MAX_REQUEST_BYTES: "400000",
    MAX_STYLES: "2",
    URL_TIMEOUT_SECONDS: "1",
    URL_ALLOWED_NETWORKS: "127.0.0.1/32",
  });
  server = createServer((request, response) => answer(request, response)).listen(0, "127.0.0.1");
  await once(server, "listening");
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  cat = (await jpeg()).toString("base64");
  stone = (await png({ seed: 2 })).toString("base64");
});
afterEach(() => server.closeAllConnections());
afterAll(async () => {
  server.close();
  await service.stop();
});

const post = (body: unknown) =>
  service.fetch("/v1/jobs", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
async function accepted(body: unknown): Promise<JobView> {
  const response = await post(body);
  expect(response.status).toBe(202);
  return jobViewSchema.parse(await response.json());
}
/** A picture of the job, in base64. */
async function fileOf({ id }: JobView, path: string): Promise<string> {
  return Buffer.from(await (await service.fetch(`/v1/jobs/${id}/${path}`)).arrayBuffer()).toString("base64");
}
async function rejected(body: unknown, code: ProblemCode): Promise<Problem> {
  const before = await service.storedKeys();
  const response = await post(body);
  const problem = problemSchema.parse(await response.json());
  expect(problem).toMatchObject({ code, status: PROBLEMS[code].status });
  expect(response.status).toBe(problem.status);
  expect(await service.storedKeys()).toEqual(before);
  expect(await service.spooled()).toEqual([]);
  return problem;
}

describe("A job as JSON", () => {
  it("is accepted with base64 pictures, and stores them unchanged", async () => {
    const view = await accepted({
      content: { base64: cat },
      style: [{ base64: stone }, { base64: cat }],
      options: { size: 64, seed: 5 },
      metadata: { order: 7 },
      priority: 9,
    });
    expect(view).toMatchObject({ metadata: { order: 7 }, priority: 9, options: { size: 64, seed: 5 } });
    const stored = (await service.inputs(view.id)).map((bytes) => bytes.toString("base64"));
    expect(stored).toEqual([cat, stone, cat]);
  });

  it("is accepted with a single style instead of a list", async () => {
    await accepted({ content: { base64: cat }, style: { base64: stone } });
  });

  it.each([
    ["line breaks", (base64: string) => base64.replace(/(.{76})/g, "$1\r\n")],
    ["no padding", (base64: string) => base64.replace(/=+$/, "")],
    ["the alphabet for URLs", (base64: string) => base64.replaceAll("+", "-").replaceAll("/", "_")],
    ["a data: URI", (base64: string) => `data:image/jpeg;base64,${base64}`],
  ])("is accepted with base64 that has %s", async (_, write) => {
    const view = await accepted({ content: { base64: write(cat) }, style: [{ base64: write(stone) }] });
    expect(await fileOf(view, "content")).toBe(cat);
    expect(await fileOf(view, "styles/0")).toBe(stone);
  });

  it("is accepted with a data: URI as a URL, and with every escape of JSON", async () => {
    const text = JSON.stringify({
      content: { url: `data:image/jpeg;base64,${cat}` },
      style: { base64: stone },
      metadata: { base64: "0", url: "data:0" },
    });
    const body = text.replaceAll("/", "\\/").replaceAll("+", "\\u002B").replace('"base64"', '"base\\u00364"');
    const view = await accepted(body);
    expect(view.metadata).toEqual({ base64: "0", url: "data:0" });
    expect(await fileOf(view, "content")).toBe(cat);
    expect(await fileOf(view, "styles/0")).toBe(stone);
  });

  it("is accepted with null for what may be left out", async () => {
    await accepted({
      ...{ content: { base64: cat }, style: { base64: stone }, style_mask: null, keep_mask: null },
      ...{ init_picture: null, metadata: null, priority: null, expires_in: null, webhook: null },
      options: { preset: null, seed: null, output: { format: null, quality: 80 } },
    });
    await accepted({ content: { base64: cat }, style: { base64: stone }, options: null });
  });

  it("is accepted with URLs, and downloads the pictures", async () => {
    answer = async (_request, response) => void response.end(await jpeg());
    const view = await accepted({ content: { url: `${url}/cat` }, style: { base64: stone } });
    expect((await service.inputs(view.id))[0]?.toString("base64")).toBe(cat);
  });
});

describe("A job as JSON is rejected", () => {
  const valid = () => ({ content: { base64: cat }, style: { base64: stone } });

  it.each([
    ["a broken text", '{"content":', "malformed_body"],
    ["nothing", "", "missing_content"],
    ["nested too deeply", `{"metadata":${"[".repeat(5000)}${"]".repeat(5000)}}`, "malformed_body"],
    ["a list", "[]", "invalid_request"],
    ["null", "null", "invalid_request"],
    ["a text", '"cat"', "invalid_request"],
    ["a poisoned prototype", '{"__proto__":{"x":1}}', "malformed_body"],
  ] as const)("when it is %s", async (_, body, code) => {
    await rejected(body, code);
  });

  it("without a content or a style", async () => {
    await rejected({ style: { base64: stone } }, "missing_content");
    await rejected({ content: { base64: cat } }, "missing_style");
    await rejected({ content: { base64: cat }, style: [] }, "missing_style");
  });

  it("with too many styles", async () => {
    await rejected(
      { ...valid(), style: Array.from({ length: 3 }, () => ({ base64: stone })) },
      "too_many_styles",
    );
  });

  it("with an unknown field or an invalid option", async () => {
    await rejected({ ...valid(), colour: 1 }, "unknown_field");
    const { errors } = await rejected({ ...valid(), options: { steps: 0 } }, "invalid_options");
    expect(errors?.[0]?.path).toBe("options.steps");
  });

  it.each([
    [{ base64: "not base64!" }],
    [{ base64: "A=AA" }],
    [{ base64: "" }],
    [{ base64: "data:image/png,text" }],
    [{ base64: "AA==AA" }],
    [{ base64: 7 }],
    [{ path: "/etc/passwd" }],
    [{ url: "http://example.org/", base64: "AAAA" }],
    [{}],
    ["cat.jpg"],
    [7],
  ])("with the content %j", async (content) => {
    const { errors } = await rejected({ ...valid(), content }, "invalid_request");
    expect(errors?.[0]?.path).toMatch(/^content/);
  });

  it("with a file that is no picture or too large", async () => {
    const text = Buffer.from("no picture at all").toString("base64");
    await rejected({ ...valid(), content: { base64: text } }, "unsupported_picture");
    const large = Buffer.alloc(100_001).toString("base64");
    const { errors } = await rejected({ ...valid(), style: { base64: large } }, "picture_too_large");
    expect(errors?.[0]?.path).toBe("style[0]");
  });

  it("with a body that is too large", async () => {
    await rejected({ ...valid(), metadata: { x: "x".repeat(500_000) } }, "request_too_large");
  });

  it("with a URL that is not allowed", async () => {
    const { errors } = await rejected(
      { ...valid(), content: { url: "http://169.254.169.254/" } },
      "url_not_allowed",
    );
    expect(errors?.[0]?.path).toBe("content.url");
  });

  it("with a URL that fails, stalls or never ends", async () => {
    answer = (_request, response) => void response.writeHead(404).end();
    await rejected({ ...valid(), content: { url } }, "url_failed");
    answer = (_request, response) => void response.write("a first piece, and then nothing more");
    await rejected({ ...valid(), content: { url } }, "url_failed");
    answer = (_request, response) => {
      response.writeHead(200, { "content-length": "1000" });
      response.write("half");
      setTimeout(() => response.destroy(), 50);
    };
    await rejected({ ...valid(), content: { url } }, "url_failed");
    answer = (_request, response) => {
      const more = () => {
        while (!response.destroyed && response.write(Buffer.alloc(16_384)));
        if (!response.destroyed) response.once("drain", more);
      };
      more();
    };
    await rejected({ ...valid(), style: { url } }, "picture_too_large");
  });

  it("with a URL that returns no picture", async () => {
    answer = (_request, response) => void response.end("<!doctype html>");
    await rejected({ ...valid(), content: { url } }, "unsupported_picture");
  });
});
