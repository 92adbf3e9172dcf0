import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import type { JobView } from "../../src/contract/job.ts";
import { TestService } from "../support/harness/service.ts";
import { jpeg, png } from "../support/pictures.ts";

let service: TestService;
let server: Server;
let url: string;
let cat: Buffer;
let stone: Buffer;
beforeAll(async () => {
  service = await TestService.start({ URL_ALLOWED_NETWORKS: "127.0.0.1/32" });
  [cat, stone] = [await jpeg(), await png({ seed: 2 })];
  server = createServer((_request, response) => void response.end(cat)).listen(0, "127.0.0.1");
  await once(server, "listening");
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/cat.jpg`;
});
afterAll(async () => {
  server.close();
  await service.stop();
});

type Part = [disposition: string, content: string | Buffer];

/** Sends a form byte by byte as a client wrote it. */
async function send(parts: Part[]): Promise<Response> {
  const bytes = parts.flatMap(([disposition, content]) => [
    Buffer.from(`--b\r\nContent-Disposition: form-data; ${disposition}\r\n\r\n`),
    Buffer.from(content),
    Buffer.from("\r\n"),
  ]);
  return await service.fetch("/v1/jobs", {
    method: "POST",
    headers: { "content-type": "Multipart/Form-Data; boundary=b" },
    body: new Uint8Array(Buffer.concat([...bytes, Buffer.from("--b--\r\n")])),
  });
}

async function accepted(parts: Part[]): Promise<JobView> {
  const response = await send(parts);
  const view = (await response.json()) as JobView;
  expect([response.status, view]).toEqual([202, expect.anything()]);
  const stored = await (await service.fetch(`/v1/jobs/${view.id}/content`)).arrayBuffer();
  expect(Buffer.from(stored).equals(cat)).toBe(true);
  return view;
}

describe("A form is accepted", () => {
  it("with pictures that have no file name", async () => {
    await accepted([
      ['name="content"', cat],
      ['name="style"', stone],
    ]);
  });

  it("with controls that the user left empty", async () => {
    const { styles } = (await service.queue.find(
      (
        await accepted([
          ['name="content"; filename="cat.jpg"', cat],
          ['name="style"; filename="stone.png"', stone],
          ...(["style", "style_mask", "keep_mask", "init_picture"].map((name) => [
            `name="${name}"; filename=""`,
            "",
          ]) as Part[]),
          ...(["options", "metadata", "priority", "expires_in", "webhook"].map((name) => [
            `name="${name}"`,
            "",
          ]) as Part[]),
        ])
      ).id,
    )) ?? { styles: [] };
    expect(styles).toHaveLength(1);
  });

  it.each(["style[]", "style[0]"])("with the list name %s", async (name) => {
    await accepted([
      ['name="content"; filename="a"', cat],
      [`name="${name}"; filename="b"`, stone],
    ]);
  });

  it("with pictures as data: URIs and as URLs", async () => {
    await accepted([
      ['name="content"', `data:image/jpeg;base64,${cat.toString("base64")}`],
      ['name="style"', `data:;base64,${stone.toString("base64url")}`],
    ]);
    await accepted([
      ['name="content"', ` ${url}\r\n`.trimStart()],
      ['name="style"; filename="url.txt"', url],
    ]);
  });

  it("with a byte order mark before the options, and with jpg for jpeg", async () => {
    const { options } = await accepted([
      ['name="content"; filename="a"', cat],
      ['name="style"; filename="b"', stone],
      ['name="options"', '\uFEFF{"size": 64, "output": {"format": "jpg"}, "seed": null}'],
    ]);
    expect(options).toMatchObject({ size: 64, output: { format: "jpeg" } });
  });
});

describe("A form is rejected", () => {
  it("with a file that is empty but has a name", async () => {
    const response = await send([
      ['name="content"; filename="cat.jpg"', ""],
      ['name="style"; filename="b"', stone],
    ]);
    expect(await response.json()).toMatchObject({ code: "empty_picture", errors: [{ path: "content" }] });
  });

  it("with a URL that may not be fetched", async () => {
    const response = await send([
      ['name="content"', "http://169.254.169.254/latest"],
      ['name="style"; filename="b"', stone],
    ]);
    expect(await response.json()).toMatchObject({
      code: "url_not_allowed",
      errors: [{ path: "content.url" }],
    });
  });
});
