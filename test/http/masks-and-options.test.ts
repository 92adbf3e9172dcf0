import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { type JobView, jobViewSchema } from "../../src/contract/job.ts";
import { problemSchema } from "../../src/contract/problems.ts";
import { TestService } from "../support/harness/service.ts";
import { jpeg, png } from "../support/pictures.ts";
import { file, form } from "../support/submission-form.ts";

let service: TestService;
beforeAll(async () => {
  service = await TestService.start();
});
afterAll(() => service.stop());

type Parts = [name: string, bytes: Uint8Array][];

async function post(options: object, parts: Parts = [], styles = 1): Promise<Response> {
  const data = await form({ options: JSON.stringify(options) }, styles);
  for (const [name, bytes] of parts) data.append(name, file(bytes), name);
  return service.fetch("/v1/jobs", { method: "POST", body: data });
}
async function accepted(options: object, parts: Parts = [], styles = 1): Promise<JobView> {
  const response = await post(options, parts, styles);
  expect([response.status, response.ok ? "" : await response.clone().text()]).toEqual([202, ""]);
  return jobViewSchema.parse(await response.json());
}
async function rejected(options: object, parts: Parts = [], styles = 1) {
  const response = await post(options, parts, styles);
  expect([415, 422]).toContain(response.status);
  const { code, errors } = problemSchema.parse(await response.json());
  return [code, ...(errors ?? []).map(({ path, expected, received }) => `${path}: ${expected}; ${received}`)];
}

describe("Masks and the initial picture", () => {
  it("are stored with the other pictures, and their keys in the record", async () => {
    const mask = await png({ channels: 1 });
    const parts: Parts = [
      ...["style_mask", "style_mask"].map((name): Parts[number] => [name, mask]),
      ["keep_mask", mask],
      ["init_picture", await jpeg({ width: 128, height: 96 })],
    ];
    const view = await accepted({ style_weights: [2, 1] }, parts, 2);
    expect(view.options).toMatchObject({ init: "picture", style_weights: [2, 1] });
    const record = await service.queue.find(view.id);
    const read = async (key?: string | null) => Buffer.from(await service.store.read(key ?? ""));
    for (const key of [...(record?.style_masks ?? []), record?.keep_mask])
      expect((await read(key)).equals(mask)).toBe(true);
    expect((await read(record?.init_picture)).equals(await jpeg({ width: 128, height: 96 }))).toBe(true);
  });

  it("are accepted in JSON too", async () => {
    const source = async (bytes: Promise<Buffer>) => ({ base64: (await bytes).toString("base64") });
    const body = {
      content: await source(jpeg()),
      style: await source(jpeg({ seed: 2 })),
      style_mask: [await source(png({ channels: 1 }))],
      keep_mask: await source(png({ channels: 1 })),
    };
    const headers = { "content-type": "application/json" };
    const response = await service.fetch("/v1/jobs", { method: "POST", headers, body: JSON.stringify(body) });
    expect(response.status).toBe(202);
    const { id } = (await response.json()) as JobView;
    expect((await service.queue.find(id))?.style_masks).toHaveLength(1);
  });

  it("are rejected if they do not match the content or the styles", async () => {
    const mask = await png({ channels: 1 });
    expect(await rejected({}, [["style_mask", mask]], 2)).toEqual([
      "mismatched_masks",
      "style_mask: one mask for each of 2 styles, or none; 1",
    ]);
    expect(await rejected({}, [["keep_mask", await png({ width: 64, height: 64 })]])).toEqual([
      "mismatched_masks",
      "keep_mask: the aspect ratio of the content (64 × 48 px); 64 × 64 px",
    ]);
    expect(await rejected({}, [["keep_mask", Buffer.from("no picture at all")]])).toEqual([
      "unsupported_picture",
      expect.stringMatching(/^keep_mask: /),
    ]);
    expect(await rejected({ init: "picture" })).toEqual([
      "invalid_options",
      "options.init: picture only together with an init_picture; no init_picture",
    ]);
    expect(await rejected({ init: "noise" }, [["init_picture", await jpeg()]])).toEqual([
      "invalid_options",
      "options.init: picture, since there is an init_picture; noise",
    ]);
  });
});

describe("Options", () => {
  it("that do not fit the styles or each other are all named in one response", async () => {
    const options = {
      style_weights: [1, 2, 3],
      style_scale: [1],
      output: { format: "jpeg", bit_depth: 16 },
      size: "100x",
    };
    expect(await rejected(options, [], 2)).toEqual([
      "invalid_options",
      "options.size: at most 4096 on this server; 100x = 6400",
      "options.style_weights: one weight for each of 2 styles; 3 weights",
      "options.style_scale: one number, or one for each of 2 styles; 1 numbers",
      "options.output.bit_depth: 8 for jpeg (only png supports 16); 16",
    ]);
  });

  it("are rejected if they are out of range", async () => {
    for (const options of [
      { style_weights: [0, 0] },
      { style_scale: 0.01 },
      { preserve_color: "some" },
      { style_distance: "wasserstein" },
      { init_blend: 2 },
      { output: { bit_depth: 12 } },
      { output: { color_space: "adobe" } },
      { size: "twice" },
    ]) {
      expect((await rejected(options))[0]).toBe("invalid_options");
    }
  });

  it.each([
    ["content", 64],
    ["2x", 128],
    ["0.5x", 32],
    [100, 100],
  ])("resolve the size %s of a content of 64 × 48 to %i", async (size, edge) => {
    expect((await accepted({ size })).options.size).toBe(edge);
  });
});
