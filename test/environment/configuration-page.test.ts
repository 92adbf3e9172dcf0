import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { parseEnv } from "node:util";
import { describe, expect, it } from "@jest/globals";
import { readConfig } from "../../src/config.ts";
import { configurationPage, exampleEnvironment } from "../../src/environment/configuration-page.ts";
import { environmentSchema } from "../../src/environment/variables.ts";
import { ROOT } from "../../src/root.ts";

const read = (path: string) => readFile(join(ROOT, path), "utf8");

describe("docs/configuration.md", () => {
  it("is what `npm run openapi` generates from the schema of the environment", async () => {
    expect(await read("docs/configuration.md")).toBe(configurationPage());
  });

  it("has every variable with its default, its range and a description", () => {
    const page = configurationPage();
    for (const [name, schema] of Object.entries(environmentSchema.shape)) {
      expect([name, schema.description]).toEqual([name, expect.stringMatching(/^.{10,}\.$/)]);
      expect(page).toContain(`| \`${name}\` | `);
    }
    expect(page).toContain("| `MAX_STYLES` | `4` | 1 to 16 | Styles of one job. |");
    expect(page).toContain("| `ENGINE_SANDBOX` | `on` | `on`, `off` | ");
    expect(page).toContain("| `DATA_DIR` | `data` |  | ");
  });
});

describe(".env.example", () => {
  it("is what `npm run openapi` generates from the schema of the environment", async () => {
    expect(await read(".env.example")).toBe(exampleEnvironment());
  });

  it("sets nothing until a line is uncommented, and then the default", () => {
    const example = exampleEnvironment();
    expect(parseEnv(example)).toEqual({});
    const uncommented = parseEnv(example.replaceAll(/^#(?=[A-Z])/gm, ""));
    expect(Object.keys(uncommented)).toEqual(expect.arrayContaining(Object.keys(environmentSchema.shape)));
    expect(readConfig(uncommented)).toEqual(readConfig({}));
  });

  it("has every variable that docker-compose.yml reads", async () => {
    const compose = await read("docker-compose.yml");
    const names = [...compose.matchAll(/\$\{([A-Z0-9_]+)/g)].map(([, name]) => `#${name}=`);
    expect(names.length).toBeGreaterThan(5);
    const lines = exampleEnvironment().split("\n");
    expect(names.filter((name) => !lines.some((line) => line.startsWith(name)))).toEqual([]);
  });
});
