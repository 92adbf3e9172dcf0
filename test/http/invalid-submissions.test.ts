import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import type { ProblemCode } from "../../src/contract/problems.ts";
import { TestService } from "../support/harness/service.ts";
import { draw, jpeg, plain, png } from "../support/pictures.ts";
import { expectRejected } from "../support/rejected-submission.ts";
import { file, form } from "../support/submission-form.ts";
import { until } from "../support/until.ts";

let service: TestService;
beforeAll(async () => {
  service = await TestService.start({
    MAX_UPLOAD_BYTES: "100000",
    MAX_PICTURE_PIXELS: "500000",
    MAX_STYLES: "2",
  });
});
afterAll(() => service.stop());

const post = (body: FormData) => service.fetch("/v1/jobs", { method: "POST", body });

const halved = (bytes: Uint8Array) => bytes.subarray(0, bytes.length / 2);

describe("A form is rejected", () => {
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
    expect((await expectRejected(service, await without("content"), "missing_content")).errors).toEqual([
      { path: "content", expected: "a picture", received: "nothing" },
    ]);
  });

  it("without a style", async () => {
    await expectRejected(service, await without("style"), "missing_style");
  });

  it("with two contents", async () => {
    const data = await form();
    data.append("content", file(await jpeg()));
    await expectRejected(service, data, "too_many_contents");
  });

  it("with more styles than allowed", async () => {
    expect((await expectRejected(service, await form({}, 3), "too_many_styles")).detail).toContain(
      "at most 2 pictures",
    );
  });

  it("with an unknown field, text or file", async () => {
    expect((await expectRejected(service, await form({ stile: "x" }), "unknown_field")).detail).toMatch(
      /^stile: .*content, style/,
    );
    const data = await form();
    data.append("mask", file(await jpeg()));
    await expectRejected(service, data, "unknown_field");
  });

  it("with a property of Object.prototype as a field", async () => {
    await expectRejected(service, await form({ __proto__x: "1" }), "unknown_field");
    await expectRejected(service, await form({ constructor: "1" }), "unknown_field");
  });

  it("with a field twice", async () => {
    const data = await form({ options: "{}" });
    data.append("options", "{}");
    await expectRejected(service, data, "invalid_request");
  });

  it("with text instead of a picture", async () => {
    const data = await without("content");
    data.append("content", "cat.jpg");
    await expectRejected(service, data, "unsupported_picture");
  });

  it("with far too many parts", async () => {
    const data = await form();
    for (let index = 0; index < 60; index += 1) data.append("options", "{}");
    await expectRejected(service, data, "invalid_request");
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
      const { errors } = await expectRejected(service, await withPicture(await make(), field), code);
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
    await expectRejected(service, await withPicture(await frames.webp().toBuffer()), "animated_picture");
  });

  it("with a content too narrow for the size", async () => {
    const bytes = await png({ width: 500, height: 20 });
    const data = await withPicture(bytes);
    data.append("options", '{"size": 64}');
    const { errors } = await expectRejected(service, data, "picture_too_narrow");
    expect(errors?.[0]).toMatchObject({ path: "options.size", received: "64" });
    const enough = Number(/at least (\d+)/.exec(errors?.[0]?.expected ?? "")?.[1]);
    const again = await withPicture(bytes);
    again.append("options", JSON.stringify({ size: enough }));
    expect((await post(again)).status).toBe(202);
  });
});

describe("A body is rejected", () => {
  it("with another media type", async () => {
    await expectRejected(service, "<job/>", "unsupported_media_type", { "content-type": "application/xml" });
    await expectRejected(service, "content=cat", "unsupported_media_type", {
      "content-type": "application/x-www-form-urlencoded",
    });
  });

  it("with multipart/form-data but no boundary", async () => {
    await expectRejected(service, "--x", "malformed_body", { "content-type": "multipart/form-data" });
  });

  it("that ends inside a part", async () => {
    const body = '--b\r\ncontent-disposition: form-data; name="content"; filename="a"\r\n\r\nhalf a pic';
    await expectRejected(service, body, "malformed_body", {
      "content-type": "multipart/form-data; boundary=b",
    });
  });

  it("that is empty", async () => {
    await expectRejected(service, "", "missing_content", {
      "content-type": "multipart/form-data; boundary=b",
    });
  });

  it("and removed from the spool if the client disconnects", async () => {
    const socket = connect(service.port, "127.0.0.1");
    socket.write(
      `POST /v1/jobs HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer ${service.apiKey}\r\n` +
        "content-length: 90000\r\ncontent-type: multipart/form-data; boundary=b\r\n\r\n" +
        '--b\r\ncontent-disposition: form-data; name="content"; filename="a"\r\n\r\nhalf a picture',
    );
    await until(async () => (await service.spooled()).length === 1);
    socket.destroy();
    await until(async () => (await service.spooled()).length === 0);
  });
});
