import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { PROBLEMS, type Problem, type ProblemCode, problemSchema } from "../../src/contract/problems.ts";
import { draw, jpeg, plain, png } from "../support/pictures.ts";
import { TestService } from "../support/service.ts";
import { file, form } from "../support/submission-form.ts";

let service: TestService;
beforeAll(async () => {
  service = await TestService.start({
    MAX_UPLOAD_BYTES: "100000",
    MAX_PICTURE_PIXELS: "500000",
    MAX_STYLES: "2",
    MAX_SIZE: "2048",
    MAX_STEPS: "5000",
  });
});
afterAll(() => service.stop());

const post = (body: FormData | string, headers: Record<string, string> = {}) =>
  service.fetch("/v1/jobs", { method: "POST", body, headers });

const halved = (bytes: Uint8Array) => bytes.subarray(0, bytes.length / 2);

/** Posts what must be refused: checks the form of the answer, and that nothing of it is kept. */
async function refused(
  body: FormData | string,
  code: ProblemCode,
  headers?: Record<string, string>,
): Promise<Problem> {
  const before = await service.storedKeys();
  const response = await post(body, headers);
  const problem = problemSchema.parse(await response.json());
  expect(problem).toMatchObject({ code, status: PROBLEMS[code].status, retryable: PROBLEMS[code].retryable });
  expect(response.status).toBe(problem.status);
  expect(response.headers.get("content-type")).toBe("application/problem+json");
  expect(problem.instance).toBe("/v1/jobs");
  expect(problem.request_id).toBe(response.headers.get("x-request-id"));
  expect(await service.storedKeys()).toEqual(before);
  expect(await service.spooled()).toEqual([]);
  return problem;
}

describe("A form is refused", () => {
  const without = async (field: string) => {
    const data = await form();
    data.delete(field);
    return data;
  };
  const withPicture = async (bytes: Uint8Array, field = "content") => {
    const data = await without(field);
    data.append(field, file(bytes), "picture.jpg");
    return data;
  };

  it("without a content", async () => {
    expect((await refused(await without("content"), "missing_content")).errors).toEqual([
      { path: "content", expected: "a picture", received: "nothing" },
    ]);
  });

  it("without a style", async () => {
    await refused(await without("style"), "missing_style");
  });

  it("with two contents", async () => {
    const data = await form();
    data.append("content", file(await jpeg()));
    await refused(data, "too_many_contents");
  });

  it("with more styles than allowed", async () => {
    expect((await refused(await form({}, 3), "too_many_styles")).detail).toContain("at most 2 pictures");
  });

  it("with a field that nobody knows, text or file", async () => {
    expect((await refused(await form({ stile: "x" }), "unknown_field")).detail).toMatch(
      /^stile: .*content, style/,
    );
    const data = await form();
    data.append("mask", file(await jpeg()));
    await refused(data, "unknown_field");
  });

  it("with the name of a prototype's property as a field", async () => {
    await refused(await form({ __proto__x: "1" }), "unknown_field");
    await refused(await form({ constructor: "1" }), "unknown_field");
  });

  it("with a field twice", async () => {
    const data = await form({ options: "{}" });
    data.append("options", "{}");
    await refused(data, "invalid_request");
  });

  it("with text in the place of a picture", async () => {
    const data = await without("content");
    data.append("content", "cat.jpg");
    expect((await refused(data, "invalid_request")).detail).toBe(
      "content: expected a file, received a text field",
    );
  });

  it("with far too many parts", async () => {
    const data = await form();
    for (let index = 0; index < 60; index += 1) data.append("options", "{}");
    await refused(data, "invalid_request");
  });

  const pictures: [ProblemCode, string, () => Promise<Uint8Array>][] = [
    ["empty_picture", "an empty file", async () => new Uint8Array()],
    [
      "picture_too_large",
      "a file of too many bytes",
      async () => Buffer.concat([await jpeg(), Buffer.alloc(100_001)]),
    ],
    ["unsupported_picture", "a GIF", async () => draw().gif().toBuffer()],
    ["unsupported_picture", "an HTML page", async () => Buffer.from("<!doctype html><p>not found")],
    ["corrupt_picture", "half a JPEG", async () => halved(await jpeg({ width: 200, height: 200 }))],
    [
      "corrupt_picture",
      "a PNG behind a JPEG's first bytes",
      async () => Buffer.concat([Buffer.from([0xff, 0xd8, 0xff]), await png()]),
    ],
    ["too_many_pixels", "too many pixels", async () => plain(1000, 501, "#fff").png().toBuffer()],
    ["picture_too_small", "a picture of 8 px", async () => png({ width: 8, height: 8 })],
  ];
  describe.each(["content", "style"])("with a %s that is", (field) => {
    it.each(pictures)("%s: %s", async (code, _, make) => {
      const { errors } = await refused(await withPicture(await make(), field), code);
      expect(errors).toHaveLength(1);
      expect(errors?.[0]?.path).toBe(field === "content" ? "content" : "style[0]");
      expect(errors?.[0]?.expected).not.toBe("");
      expect(errors?.[0]?.received).not.toBe("");
    });
  });

  it("with an animated picture", async () => {
    const data = await draw({ width: 32, height: 64 }).raw().toBuffer();
    const { default: sharp } = await import("sharp");
    const frames = sharp(data, { raw: { width: 32, height: 64, channels: 3, pageHeight: 32 } });
    await refused(await withPicture(await frames.webp().toBuffer()), "animated_picture");
  });

  it("with a content too narrow for the size", async () => {
    const bytes = await png({ width: 500, height: 20 });
    const data = await withPicture(bytes);
    data.append("options", '{"size": 64}');
    const { errors } = await refused(data, "picture_too_narrow");
    expect(errors?.[0]).toMatchObject({ path: "options.size", received: "64" });
    const enough = Number(/at least (\d+)/.exec(errors?.[0]?.expected ?? "")?.[1]);
    const again = await withPicture(bytes);
    again.append("options", JSON.stringify({ size: enough }));
    expect((await post(again)).status).toBe(202);
  });

  const options: [string, unknown, string, RegExp, RegExp][] = [
    ["an unknown option", { sizes: 1 }, "options.sizes", /knows/, /unknown/],
    ["an unknown preset", { preset: "monet" }, "options.preset", /draft, balanced, fine, classic/, /"monet"/],
    ["a size below 32", { size: 31 }, "options.size", /at least 32/, /31/],
    ["a size above the contract's", { size: 4097 }, "options.size", /at most 4096/, /4097/],
    ["a size above the server's", { size: 2049 }, "options.size", /at most 2048 on this server/, /2049/],
    ["more steps than the server's", { steps: 5001 }, "options.steps", /at most 5000 on this server/, /5001/],
    ["half a step", { steps: 1.5 }, "options.steps", /whole number/, /1.5/],
    ["a number as text", { steps: "100" }, "options.steps", /number/, /"100"/],
    ["a learning rate of 0", { learning_rate: 0 }, "options.learning_rate", /more than 0/, /0/],
    ["a negative weight", { style_weight: -1 }, "options.style_weight", /at least 0/, /-1/],
    [
      "an unknown layer",
      { style_layers: { block9_conv1: 1 } },
      "options.style_layers.block9_conv1",
      /knows/,
      /unknown/,
    ],
    [
      "layers of no weight",
      { style_layers: { block1_conv1: 0 } },
      "options.style_layers",
      /weight above 0/,
      /block1_conv1/,
    ],
    [
      "a layer's weight as text",
      { style_layers: { block1_conv1: "1" } },
      "options.style_layers.block1_conv1",
      /number/,
      /"1"/,
    ],
    [
      "an unknown format",
      { output: { format: "gif" } },
      "options.output.format",
      /png, jpeg, webp, avif/,
      /"gif"/,
    ],
    ["an unknown field of the output", { output: { dpi: 300 } }, "options.output.dpi", /knows/, /unknown/],
    ["null", { seed: null }, "options.seed", /number/, /null/],
    ["a list", [], "options", /object/, /\[\]/],
    ["a number", 7, "options", /object/, /7/],
  ];
  it.each(options)("with %s in the options", async (_, given, path, expected, received) => {
    const { errors, detail } = await refused(
      await form({ options: JSON.stringify(given) }),
      "invalid_options",
    );
    expect(errors).toHaveLength(1);
    expect(errors?.[0]?.path).toBe(path);
    expect(errors?.[0]?.expected).toMatch(expected);
    expect(errors?.[0]?.received).toMatch(received);
    expect(detail).toContain(path);
  });

  it("with every option at fault named", async () => {
    const { errors } = await refused(
      await form({ options: '{"size":1,"steps":0,"foo":1}' }),
      "invalid_options",
    );
    expect(errors?.map(({ path }) => path).sort()).toEqual(["options.foo", "options.size", "options.steps"]);
  });

  it("with options that are not JSON", async () => {
    const { errors } = await refused(await form({ options: "{size: 64}" }), "invalid_options");
    expect(errors?.[0]).toMatchObject({ path: "options", expected: "an object as JSON" });
  });

  it("with options that are too long", async () => {
    await refused(await form({ options: `{"preset":"${"x".repeat(70_000)}"}` }), "request_too_large");
  });

  it.each([
    ["priority", "0"],
    ["priority", "101"],
    ["priority", "high"],
    ["expires_in", "59"],
    ["metadata", "[]"],
    ["metadata", "nothing"],
    ["metadata", JSON.stringify({ long: "x".repeat(5000) })],
  ])("with the %s %s", async (field, value) => {
    const { errors } = await refused(await form({ [field]: value }), "invalid_request");
    expect(errors?.[0]?.path).toMatch(field);
  });
});

describe("A body is refused", () => {
  it("of another media type, or of none", async () => {
    await refused("<job/>", "unsupported_media_type", { "content-type": "application/xml" });
    await refused("content=cat", "unsupported_media_type", {
      "content-type": "application/x-www-form-urlencoded",
    });
  });

  it("that is called multipart and has no boundary", async () => {
    await refused("--x", "malformed_body", { "content-type": "multipart/form-data" });
  });

  it("that ends within a part", async () => {
    const body = '--b\r\ncontent-disposition: form-data; name="content"; filename="a"\r\n\r\nhalf a pic';
    await refused(body, "malformed_body", { "content-type": "multipart/form-data; boundary=b" });
  });

  it("that is empty", async () => {
    await refused("", "missing_content", { "content-type": "multipart/form-data; boundary=b" });
  });

  it("whose client goes away while it uploads: nothing is kept", async () => {
    const socket = connect(service.port, "127.0.0.1");
    socket.write(
      "POST /v1/jobs HTTP/1.1\r\nhost: localhost\r\ncontent-length: 90000\r\ncontent-type: multipart/form-data; boundary=b\r\n\r\n" +
        '--b\r\ncontent-disposition: form-data; name="content"; filename="a"\r\n\r\nhalf a picture',
    );
    const eventually = async (length: number) => {
      for (let tries = 0; tries < 1000 && (await service.spooled()).length !== length; tries += 1)
        await sleep(20);
      expect(await service.spooled()).toHaveLength(length);
    };
    await eventually(1);
    socket.destroy();
    await eventually(0);
  });
});
