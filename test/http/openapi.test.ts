import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it } from "@jest/globals";
import { parse } from "yaml";
import { optionsSchema } from "../../src/contract/options.ts";
import { optionsPage } from "../../src/contract/options-page.ts";
import { openApiDocument } from "../../src/http/openapi/document.ts";
import { ROOT } from "../../src/root.ts";
import { checkedExamples } from "../support/contract.ts";

describe("openapi.yaml", () => {
  it("is what `npm run openapi` makes of the schemas", async () => {
    const written = await readFile(join(ROOT, "openapi.yaml"), "utf8");
    expect(written).toBe(await openApiDocument());
  });

  it("is OpenAPI 3.1 and refers to nothing that is not in it, nor holds what nothing refers to", async () => {
    const text = await openApiDocument();
    const document = parse(text) as { openapi: string; components: { schemas: Record<string, unknown> } };
    expect(document.openapi).toMatch(/^3\.1\./);
    const referred = new Set([...text.matchAll(/#\/components\/schemas\/(\w+)/g)].map((match) => match[1]));
    expect([...referred].sort()).toEqual(Object.keys(document.components.schemas).sort());
  });
});

describe("The examples", () => {
  it("are as the schemas beside them say", () => {
    expect(checkedExamples().filter(({ error }) => error !== null)).toEqual([]);
  });

  it("show a submission, jobs and batches in their states, a list, losses, presets, refusals, a webhook's message and options", () => {
    const names = checkedExamples().map(({ name }) => name);
    for (const part of [
      "/v1/jobs post requestBody content multipart/form-data schema files",
      "/v1/jobs post requestBody content application/json schema urls",
      ...["queued", "running", "succeeded"].map(
        (status) => `/v1/jobs/{id} get responses 200 content application/json schema ${status}`,
      ),
      ...["queued", "running", "finished"].map(
        (status) => `/v1/batches/{id} get responses 200 content application/json schema ${status}`,
      ),
      "/v1/batches post requestBody content multipart/form-data schema files",
      "/v1/batches post requestBody content application/json schema urls",
      "/v1/batches post responses 202 content application/json schema queued",
      "/v1/batches/{id}/cancel post responses 200 content application/json schema canceled",
      "/v1/jobs get responses 200 content application/json schema page",
      "/v1/jobs/{id}/losses get responses 200 content application/json schema some",
      "/v1/presets get responses 200 content application/json schema presets",
      "/v1/jobs post responses 422 content application/problem+json schema invalid_options",
      "webhooks job.succeeded post requestBody content application/json schema job.succeeded",
      "components schemas Options example",
    ])
      expect(names).toContainEqual(expect.stringContaining(part));
  });
});

describe("docs/options.md", () => {
  it("is what `npm run openapi` makes of the schemas", async () => {
    expect(await readFile(join(ROOT, "docs/options.md"), "utf8")).toBe(optionsPage());
  });

  it("has every option, its description and its default in every preset", () => {
    const page = optionsPage();
    for (const [name, { description }] of Object.entries(optionsSchema.shape)) {
      expect(page).toContain(`## \`${name}\``);
      expect(page).toContain(description ?? "");
    }
    expect(page).not.toContain("any value");
  });
});

describe("The client's types", () => {
  it("are what `npm run openapi` makes of openapi.yaml", async () => {
    const folder = await mkdtemp(join(tmpdir(), "nst-client-"));
    const made = join(folder, "schema.ts");
    await promisify(execFile)(process.execPath, [join(ROOT, "clients/typescript/generate/main.mjs"), made]);
    expect(await readFile(join(ROOT, "clients/typescript/schema.ts"), "utf8")).toBe(
      await readFile(made, "utf8"),
    );
    await rm(folder, { recursive: true });
  });
});
