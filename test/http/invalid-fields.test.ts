import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { TestService } from "../support/harness/service.ts";
import { expectRejected } from "../support/rejected-submission.ts";
import { form } from "../support/submission-form.ts";

let service: TestService;
beforeAll(async () => {
  service = await TestService.start({ MAX_SIZE: "2048", MAX_STEPS: "5000" });
});
afterAll(() => service.stop());

describe("A form is rejected", () => {
  const options: [string, unknown, string, RegExp, RegExp][] = [
    ["an unknown option", { sizes: 1 }, "options.sizes", /known field/, /unknown/],
    ["an unknown preset", { preset: "monet" }, "options.preset", /draft, balanced, fine, classic/, /"monet"/],
    ["a size below 32", { size: 31 }, "options.size", /at least 32/, /31/],
    ["a size above the contract's", { size: 4097 }, "options.size", /at most 4096/, /4097/],
    ["a size above the server's", { size: 2049 }, "options.size", /at most 2048 on this server/, /2049/],
    ["more steps than the server's", { steps: 5001 }, "options.steps", /at most 5000 on this server/, /5001/],
    ["a fraction of a step", { steps: 1.5 }, "options.steps", /integer/, /1.5/],
    ["a number as a string", { steps: "100" }, "options.steps", /number \(without quotes\)/, /"100"/],
    [
      "a size as a string",
      { size: "96" },
      "options.size",
      /a multiple such as 2x, or a number without quotes/,
      /"96"/,
    ],
    ["a learning rate of 0", { learning_rate: 0 }, "options.learning_rate", /more than 0/, /0/],
    ["a negative weight", { style_weight: -1 }, "options.style_weight", /at least 0/, /-1/],
    [
      "an unknown layer",
      { style_layers: { block9_conv1: 1 } },
      "options.style_layers.block9_conv1",
      /known field/,
      /unknown/,
    ],
    [
      "layers without weight",
      { style_layers: { block1_conv1: 0 } },
      "options.style_layers",
      /weight above 0/,
      /block1_conv1/,
    ],
    [
      "the weight of a layer as a string",
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
    [
      "an unknown field of the output",
      { output: { dpi: 300 } },
      "options.output.dpi",
      /known field/,
      /unknown/,
    ],
    ["a list", [], "options", /object/, /\[\]/],
    ["a number", 7, "options", /object/, /7/],
  ];
  it.each(options)("with %s in the options", async (_, given, path, expected, received) => {
    const { errors, detail } = await expectRejected(
      service,
      await form({ options: JSON.stringify(given) }),
      "invalid_options",
    );
    expect(errors).toHaveLength(1);
    expect(errors?.[0]?.path).toBe(path);
    expect(errors?.[0]?.expected).toMatch(expected);
    expect(errors?.[0]?.received).toMatch(received);
    expect(detail).toContain(path);
  });

  it("naming every invalid option", async () => {
    const { errors } = await expectRejected(
      service,
      await form({ options: '{"size":1,"steps":0,"foo":1}' }),
      "invalid_options",
    );
    expect(errors?.map(({ path }) => path).sort()).toEqual(["options.foo", "options.size", "options.steps"]);
  });

  it("naming the first 20 of many invalid fields, in a short response and log line", async () => {
    const many = Object.fromEntries(Array.from({ length: 5_000 }, (_, index) => [`n${index}`, 1]));
    const keys = Object.fromEntries(Array.from({ length: 600 }, (_, index) => ["n".repeat(90) + index, 1]));
    const lists = { style_scale: Array.from({ length: 20_000 }, () => 0), style_weights: [] };
    for (const [name, value, code] of [
      ["options", many, "invalid_options"],
      ["options", lists, "invalid_options"],
      ["metadata", keys, "invalid_request"],
    ] as const) {
      const problem = await expectRejected(service, await form({ [name]: JSON.stringify(value) }), code);
      expect(problem.errors?.length).toBeLessThanOrEqual(20);
      expect(JSON.stringify(problem).length).toBeLessThan(16_000);
    }
    const path = `/v1/jobs/${"x".repeat(10_000)}`;
    await (await service.fetch(path)).text();
    const lines = service.logged.map((line) => JSON.stringify(line).length);
    expect(Math.max(...lines)).toBeLessThan(8_000);
  });
  it("with options that are not JSON", async () => {
    const { errors } = await expectRejected(
      service,
      await form({ options: "{size: 64}" }),
      "invalid_options",
    );
    expect(errors?.[0]).toMatchObject({ path: "options", expected: "a JSON object" });
  });

  it("with options that are too long", async () => {
    await expectRejected(
      service,
      await form({ options: `{"preset":"${"x".repeat(70_000)}"}` }),
      "request_too_large",
    );
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
    const { errors } = await expectRejected(service, await form({ [field]: value }), "invalid_request");
    expect(errors?.[0]?.path).toMatch(field);
  });
});
