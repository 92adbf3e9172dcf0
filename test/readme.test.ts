import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "@jest/globals";
import { presetNameSchema, requestOptionsSchema } from "../src/contract/options.ts";
import { ROOT } from "../src/root.ts";

const read = (path: string) => readFile(join(ROOT, path), "utf8");

describe("The README", () => {
  let readme: string;
  beforeAll(async () => {
    readme = await read("README.md");
  });

  it("has every environment variable that the service reads", async () => {
    const names = [...(await read("src/config.ts")).matchAll(/^ {2}([A-Z][A-Z0-9_]+): /gm)].map(
      ([, name]) => name,
    );
    expect(names.length).toBeGreaterThan(20);
    expect(names.filter((name) => !readme.includes(`\`${name}\``))).toEqual([]);
  });

  it("names npm scripts that there are", async () => {
    const { scripts } = JSON.parse(await read("package.json"));
    const named = [...readme.matchAll(/npm (?:run ([a-z:]+)|(start|test)\b)/g)].map(
      ([, run, name]) => run ?? name ?? "",
    );
    expect(named).toEqual(expect.arrayContaining(["demo", "start", "test"]));
    expect(named.filter((name) => !(name in scripts))).toEqual([]);
  });

  it("shows options that the contract takes, and has all of them", () => {
    const shown = [...readme.matchAll(/'options=(\{.*\})'/g)].map(([, text]) => JSON.parse(text ?? ""));
    expect(shown).not.toEqual([]);
    for (const options of shown) expect(requestOptionsSchema.safeParse(options).error).toBeUndefined();
    const names = [...Object.keys(requestOptionsSchema.shape), ...presetNameSchema.options];
    expect(names.filter((name) => !readme.includes(`\`${name}\``))).toEqual([]);
  });

  it("links to files that there are", async () => {
    for (const [, path] of readme.matchAll(/\]\((?!https?:)([^)#]+)\)/g)) await read(path ?? "");
  });
});

describe("The example of an environment file", () => {
  /** Read by docker-compose.yml, not by the service. */
  const COMPOSE = ["PUBLISH", "WEIGHTS_DIR", "GRAFANA_PASSWORD", "METRICS_KEY_FILE"];

  it("has every environment variable that the service and docker-compose.yml read", async () => {
    const config = await read("src/config.ts");
    const names = [...config.matchAll(/^ {2}([A-Z][A-Z0-9_]+): /gm)].map(([, name]) => name);
    const example = [...(await read(".env.example")).matchAll(/^#?([A-Z][A-Z0-9_]+)=/gm)].map(
      ([, name]) => name,
    );
    expect(names.length).toBeGreaterThan(20);
    expect([...names, ...COMPOSE].filter((name) => !example.includes(name))).toEqual([]);
    const compose = await read("docker-compose.yml");
    expect(COMPOSE.filter((name) => !compose.includes(`\${${name}`))).toEqual([]);
  });
});
