// npm run test:node-versions [-- 20 26]: installs, compiles, paints and runs the tests that depend on Node's version, on
// each supported Node, in a new clone of the committed state whose path has a space and a letter beyond ASCII.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { createCacheEntry } from "./setup/cache-entry.mjs";
import { runCommand } from "./setup/command.mjs";
import { runScript, SetupFailure } from "./setup/failure.mjs";
import { cacheFolder, ROOT } from "./setup/folders.mjs";
import { MAX_TESTED_MAJOR } from "./setup/node.mjs";
import { runNpm } from "./setup/packages.mjs";
import { checkPlatform } from "./setup/tensorflow.mjs";

const MAJORS = ["20", "22", "24", String(MAX_TESTED_MAJOR)];
/** Set-up, native modules, child processes and the whole service on one machine. */
const TESTS = ["test/setup", "test/engine/main.test.ts", "test/local/main.test.ts"];
/** A picture of no beauty: VGG-19 an eighth as wide, with random weights. */
const PAINT = ["paint", "examples/cat.jpg", "examples/sandstone.jpg", "--embedded", "-o", "painted.png"];
const OPTIONS = ["--options", '{"preset": "draft", "size": 96, "steps": 5}'];

await runScript(async () => {
  const majors = process.argv.length > 2 ? process.argv.slice(2) : MAJORS;
  for (const major of majors) {
    const bin = await installNode(major);
    const folder = await mkdtemp(join(tmpdir(), "nst für "));
    try {
      await tryNode(bin, join(folder, "clone"));
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }
});

/** @param {string} bin the folder of the Node to try @param {string} clone */
async function tryNode(bin, clone) {
  const env = {
    ...{ ...process.env, PATH: [bin, process.env.PATH].join(delimiter), npm_execpath: undefined },
    npm_config_loglevel: "warn", // `npm --silent` would hide EBADENGINE
  };
  /** @param {string[]} args @param {Record<string, string>} [more] */
  const run = async ([command = "", ...args], more = {}) => {
    const options = { cwd: clone, env: { ...env, ...more } };
    const { code, output } = await runCommand(command, args, options);
    if (code === 0) return output;
    throw new SetupFailure(
      `${version}: ${command} ${args.join(" ")} failed (${code}):\n${output}`,
      "Fix the failure above.",
    );
  };
  const version = (await runCommand(join(bin, "node"), ["--version"])).output.trim();
  await runCommand("git", ["clone", "--quiet", ROOT, clone]);
  const installed = await run(["npm", "ci"]);
  if (/EBADENGINE/.test(installed)) {
    throw new SetupFailure(`${version}: npm ci warns:\n${installed}`, "Use versions that support this Node.");
  }
  await run(["npm", "run", "setup"]);
  const weights = { NST_VGG19_WEIGHTS: "random:1:8" };
  await run(["npx", "nst", "doctor"], weights);
  await run(["npx", "nst", ...PAINT, ...OPTIONS], weights);
  const tests = await run(["npm", "test", "--", ...TESTS]);
  console.log(
    `Node ${version}: npm ci without a warning, set-up, doctor, a painting; ${tests.trim().split("\n").at(-1)}`,
  );
}

/** The newest Node of a major version, from npm. @param {string} major @returns {Promise<string>} its folder */
async function installNode(major) {
  const name = `node-${checkPlatform()}`;
  const { output } = await runNpm(["view", `${name}@${major}`, "version", "--json"], ROOT);
  const found = JSON.parse(output);
  // By number, as npm lists them; one alone is no list.
  const version = Array.isArray(found) ? newest(found) : found;
  const folder = join(cacheFolder(), `${name}-${version}`);
  await createCacheEntry(folder, async (partial) => {
    console.error(`downloading Node ${version}`);
    const { code, output: text } = await runNpm(
      ["install", "--silent", "--no-save", "--prefix", partial, `${name}@${version}`],
      partial,
    );
    if (code !== 0) throw new SetupFailure(`Node ${version} could not be downloaded:\n${text}`, "Try again.");
  });
  return join(folder, "node_modules", name, "bin");
}

/** @param {string[]} versions of one major version */
function newest(versions) {
  return versions.toSorted((a, b) => a.localeCompare(b, "en", { numeric: true })).at(-1);
}
