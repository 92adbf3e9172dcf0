import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { beforeAll, describe, expect, it } from "@jest/globals";
import { parse } from "yaml";
import { optionsSchema } from "../../src/contract/options.ts";
import { optionsPage } from "../../src/contract/options-page.ts";
import { openApiDocument } from "../../src/http/openapi/document.ts";
import { ROOT } from "../../src/root.ts";
import { checkedExamples } from "../support/contract.ts";
import { preloadRoutes } from "../support/preload-routes.ts";

beforeAll(preloadRoutes);

describe("openapi.yaml", () => {
  it("is up to date: npm run openapi generates the same", async () => {
    const written = await readFile(join(ROOT, "openapi.yaml"), "utf8");
    expect(written).toBe(await openApiDocument());
  });

  it("is OpenAPI 3.1 without missing or unused schemas", async () => {
    const text = await openApiDocument();
    const document = parse(text) as { openapi: string; components: { schemas: Record<string, unknown> } };
    expect(document.openapi).toMatch(/^3\.1\./);
    const referred = new Set([...text.matchAll(/#\/components\/schemas\/(\w+)/g)].map((match) => match[1]));
    expect([...referred].sort()).toEqual(Object.keys(document.components.schemas).sort());
  });
});

describe("openapi.yaml for generators of clients", () => {
  it("has servers, no anchors, and names the schemas that requests share", async () => {
    const text = await openApiDocument();
    const document = parse(text) as { servers: object[]; components: { schemas: Record<string, unknown> } };
    expect(text).not.toMatch(/[:-] [&*]\w+\n/);
    expect(document.servers).toContainEqual(expect.objectContaining({ url: "/" }));
    const names = ["RequestOptions", "ContinuationOptions", "PictureSource", "Preset", "Webhook"];
    expect(Object.keys(document.components.schemas)).toEqual(expect.arrayContaining(names));
  });

  it("has no pattern beside a format", async () => {
    const found: unknown[] = [];
    const visit = (value: unknown) => {
      if (typeof value !== "object" || value === null) return;
      if ("pattern" in value && "format" in value) found.push(value);
      for (const child of Object.values(value)) visit(child);
    };
    visit(parse(await openApiDocument()));
    expect(found).toEqual([]);
  });
});

describe("The examples", () => {
  it("match their schemas", () => {
    expect(checkedExamples().filter(({ error }) => error !== null)).toEqual([]);
  });

  it("cover submissions, jobs, batches, lists, losses, presets, problems, webhooks and options", () => {
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
      "/v1/jobs/{id}/losses get responses 200 content application/json schema steps",
      "/v1/presets get responses 200 content application/json schema presets",
      "/v1/jobs post responses 422 content application/problem+json schema invalid_options",
      "webhooks job.succeeded post requestBody content application/json schema job.succeeded",
      "components schemas Options example",
    ])
      expect(names).toContainEqual(expect.stringContaining(part));
  });
});

describe("docs/options.md", () => {
  it("is up to date: npm run openapi generates the same", async () => {
    expect(await readFile(join(ROOT, "docs/options.md"), "utf8")).toBe(optionsPage());
  });

  it("has every option with its description", () => {
    const page = optionsPage();
    for (const [name, { description }] of Object.entries(optionsSchema.shape)) {
      expect(page).toContain(`## \`${name}\``);
      expect(page).toContain(description ?? "");
    }
    expect(page).not.toContain("any value");
  });
});

describe("The types of the TypeScript client", () => {
  it("are up to date: npm run openapi generates the same", async () => {
    const folder = await mkdtemp(join(tmpdir(), "nst-client-"));
    const generated = join(folder, "schema.ts");
    await promisify(execFile)(process.execPath, [
      join(ROOT, "clients/typescript/generate/main.mjs"),
      generated,
    ]);
    expect(await readFile(join(ROOT, "clients/typescript/schema.ts"), "utf8")).toBe(
      await readFile(generated, "utf8"),
    );
    await rm(folder, { recursive: true });
  });
});
