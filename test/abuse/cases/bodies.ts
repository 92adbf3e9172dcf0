import { type AbuseCase, atOnce, unexpected } from "../case.ts";
import { send } from "../send.ts";

const MIB = 2 ** 20;
const BODY_BYTES = 48 * MIB;
const JSON_TYPE = { "content-type": "application/json" };

/** `[{},{},…]`, which takes a hundred times its bytes once it is parsed. */
const manyObjects = (bytes: number) => Buffer.from(`[${"{},".repeat(bytes / 3)}{}]`);

export const unreadBodies: AbuseCase = {
  name: "bodies that nobody asked for",
  async run({ url, attacker }, scale) {
    const body = manyObjects(BODY_BYTES * scale);
    const wrong: string[] = [];
    const expect = async (
      method: string,
      path: string,
      expected: number[],
      headers = {},
      chunked = false,
    ) => {
      const { status } = await send(`${url}${path}`, {
        ...{ method, body, chunked },
        headers: { ...JSON_TYPE, ...headers },
      });
      wrong.push(...unexpected(`${method} ${path}`, [status], expected));
    };
    await expect("POST", "/nowhere", [404]);
    await expect("POST", "/nowhere", [404, 0], {}, true);
    await expect("PUT", "/v1/jobs", [405]);
    await expect("POST", "/v1/jobs", [401]);
    // A client that goes on sending may find its connection closed before it reads the answer.
    await expect("POST", "/v1/jobs", [401, 0], { authorization: "Bearer nst_wrong" }, true);
    await expect("PATCH", "/v1/jobs/any", [404, 413], attacker.authorization);
    return wrong;
  },
};

export const largeJson: AbuseCase = {
  name: "large JSON",
  async run(service, scale) {
    const bytes = BODY_BYTES * scale;
    const shapes = [
      manyObjects(bytes),
      Buffer.from(`{"content":[${"0,".repeat(bytes / 2)}0]}`),
      Buffer.from(`{"options":${"[".repeat(bytes / 2)}${"]".repeat(bytes / 2)}}`),
      Buffer.from(
        `{${Array.from({ length: bytes / 32 }, (_, index) => `"name-${index}":"value"`).join(",")}}`,
      ),
      Buffer.from(`{"metadata":{"a":"${"x".repeat(bytes)}"}}`),
    ];
    const statuses: number[] = [];
    for (const body of shapes)
      statuses.push((await service.send("/v1/jobs", { body, headers: JSON_TYPE })).status);
    return unexpected("POST /v1/jobs", statuses, [400, 413, 422]);
  },
};

export const evasiveJson: AbuseCase = {
  name: "large JSON by other routes and types",
  async run(service, scale) {
    const body = manyObjects(BODY_BYTES * scale);
    const { painted } = service;
    const ways: [string, string, string][] = [
      ["POST", "/v1/jobs", "Application/JSON"],
      ["POST", "/v1/jobs", "text/plain"],
      ["POST", "/v1/jobs", "application/json; charset=utf-8"],
      ["PATCH", `/v1/jobs/${painted}`, "application/json"],
      ["POST", `/v1/jobs/${painted}/continue`, "application/json"],
      ["POST", `/v1/jobs/${painted}/links`, "application/json"],
      ["POST", "/v1/batches", "application/json"],
      ["POST", `/v1/jobs/${painted}/cancel`, "application/json"],
    ];
    const answers = await atOnce(Math.max(ways.length, Math.round(16 * scale)), (index) => {
      const [method, path, type] = ways[index % ways.length] as [string, string, string];
      return service.send(path, {
        method,
        body,
        headers: { "content-type": type },
        chunked: index % 2 === 1,
      });
    });
    const statuses = answers.map(({ status }) => status);
    // 0: the client went on sending, and its connection was closed before it read the answer.
    return unexpected("a large body", statuses, [0, 400, 409, 413, 415, 422, 503]);
  },
};

export const manyErrors: AbuseCase = {
  name: "many errors in one request",
  async run(service, scale) {
    const count = Math.round(20_000 * Math.max(scale, 0.25));
    const names = (length: number) =>
      Object.fromEntries(Array.from({ length: count }, (_, index) => [`${index}-`.padEnd(length, "x"), 1]));
    const depth = 5_000;
    const bodies = [
      JSON.stringify({ options: names(8) }),
      JSON.stringify({ metadata: names(70) }),
      `{"metadata":${'{"a":'.repeat(depth)}1${"}".repeat(depth)}}`,
    ];
    const wrong: string[] = [];
    for (const [index, text] of bodies.entries()) {
      const { status, body } = await service.send("/v1/jobs", {
        body: Buffer.from(text),
        headers: JSON_TYPE,
      });
      wrong.push(...unexpected(`body ${index}`, [status], [400, 413, 422]));
      if (body.length > 64 * 1024) wrong.push(`body ${index}: the answer has ${body.length} bytes`);
    }
    return wrong;
  },
};

export const optionsAsFile: AbuseCase = {
  name: "options as a large file",
  async run(service, scale) {
    const part = (head: string, bytes: Buffer) =>
      Buffer.concat([Buffer.from(`--x\r\n${head}\r\n\r\n`), bytes]);
    const file = Buffer.alloc(BODY_BYTES * scale, " ");
    const head = 'content-disposition: form-data; name="options"; filename="options.json"';
    const body = Buffer.concat([part(head, file), Buffer.from("\r\n--x--\r\n")]);
    const headers = { "content-type": "multipart/form-data; boundary=x" };
    const answers = await atOnce(Math.round(16 * scale), () => service.send("/v1/jobs", { body, headers }));
    const statuses = answers.map(({ status }) => status);
    return unexpected("a form", statuses, [400, 413, 422, 503]);
  },
};
