import { execFile } from "node:child_process";
import { cp, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, it } from "@jest/globals";
import { ROOT } from "../../src/root.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const folder = temporaryFolder();
const SCRIPT = `
  import { loadDotEnv } from "./scripts/setup/load-dot-env.mjs";
  loadDotEnv();
  console.log(JSON.stringify([process.env.PORT, process.env.DATA_DIR]));
`;

it("npm start takes from .env what the environment does not set, in a clone of any name", async () => {
  const clone = join(folder(), "a clone für alle");
  await mkdir(clone);
  await cp(join(ROOT, "scripts/setup"), join(clone, "scripts/setup"), { recursive: true });
  const settings = async (environment: NodeJS.ProcessEnv) => {
    const options = { cwd: clone, env: { PATH: process.env.PATH, ...environment } };
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ["--input-type=module", "-e", SCRIPT],
      options,
    );
    return JSON.parse(stdout);
  };
  expect(await settings({ PORT: "7" })).toEqual(["7", null]);
  await writeFile(join(clone, ".env"), "# a comment\nPORT=4000\nDATA_DIR=elsewhere\n");
  expect(await settings({})).toEqual(["4000", "elsewhere"]);
  expect(await settings({ PORT: "7" })).toEqual(["7", "elsewhere"]);
});
