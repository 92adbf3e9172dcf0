// npm run bench [-- PART…]: runs every benchmark in package.json, or those whose names contain one of the parts. Prints a line of
// JSON for each at the end, and exits with 1 if one failed.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";

/** Flags other than a benchmark's defaults. */
const FLAGS = {
  api: ["--seconds", "3", "--depth", "20000"],
  checkpoints: ["--seconds", "40"],
};

const { scripts } = JSON.parse(await readFile(new URL("../package.json", import.meta.url), "utf8"));
const parts = process.argv.slice(2);
const names = Object.keys(scripts)
  .filter((script) => script.startsWith("bench:"))
  .map((script) => script.slice("bench:".length))
  .filter((name) => parts.length === 0 || parts.some((part) => name.includes(part)));
if (names.length === 0) {
  console.error(`There is no benchmark whose name contains ${parts.join(" or ")}.`);
  process.exit(1);
}

const results = [];
for (const name of names) results.push(await run(name));
for (const result of results) console.log(JSON.stringify(result));
process.exitCode = results.every(({ exit_code }) => exit_code === 0) ? 0 : 1;

/** @param {string} benchmark */
async function run(benchmark) {
  const started = performance.now();
  const args = ["run", "--silent", `bench:${benchmark}`, "--", ...(FLAGS[benchmark] ?? []), "--json"];
  const child = spawn("npm", args, { stdio: ["inherit", "pipe", "inherit"] });
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (text) => {
    output += text;
    process.stdout.write(text);
  });
  const [exit_code] = await once(child, "close");
  const seconds = Math.round((performance.now() - started) / 1000);
  return { benchmark, exit_code, seconds, result: lastJson(output) };
}

/** The last line that is a JSON object; null if there is none. @param {string} output */
function lastJson(output) {
  for (const line of output.split("\n").reverse()) {
    if (!line.startsWith("{")) continue;
    try {
      return JSON.parse(line);
    } catch {}
  }
  return null;
}
