import { existsSync, statSync } from "node:fs";
import { copyFile, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { runCommand } from "./command.mjs";
import { SetupFailure } from "./failure.mjs";
import { buildStudio } from "./studio.mjs";

const FOLDERS = ["src", "clients", "workers", "local", "cli", "test", "bench"];
/** The sources of the studio's bundle, besides the client. */
const STUDIO_FOLDERS = ["studio", "examples"];

/**
 * Compiles everything and bundles the studio, unless neither sources nor output have changed since.
 * @param {string} root
 */
export async function build(root) {
  const stamp = join(root, "build", "compiled.txt");
  const sources = await sourcesOf(root);
  if (`${sources.state}\n${sources.output()}` === (await readFile(stamp, "utf8").catch(() => ""))) return;
  const result = await compile(root);
  if (result.code !== 0) {
    throw new SetupFailure(`TypeScript does not compile:\n${result.output.trim()}`, "Fix the errors above.");
  }
  await buildStudio(root);
  await mkdir(join(root, "build"), { recursive: true });
  // The state before compiling: a source that is edited meanwhile is compiled the next time.
  await writeFile(stamp, `${sources.state}\n${sources.output()}`);
}

/**
 * Compiles TypeScript to dist/, copies the Lua scripts, and removes the output of sources that are gone: the API loads every file
 * in dist/src/http/routes, and a deleted test would go on passing. Returns the compiler's exit code and output.
 * @param {string} root
 */
export async function compile(root) {
  const compiler = join(root, "node_modules/typescript/bin/tsc");
  const result = await runCommand(process.execPath, [compiler, "--project", root], { cwd: root });
  await copyLua(root);
  await removeStale(join(root, "dist"), root);
  return result;
}

/** Copies the Lua scripts, which the compiler ignores, to where the compiled code reads them. @param {string} root */
async function copyLua(root) {
  for (const name of await readdir(join(root, "src"), { recursive: true })) {
    if (!name.endsWith(".lua")) continue;
    const target = join(root, "dist/src", name);
    await mkdir(dirname(target), { recursive: true });
    await copyFile(join(root, "src", name), target);
  }
}

/** Fingerprints of the sources, the compiler and its settings, and of the compiler's output. @param {string} root */
async function sourcesOf(root) {
  const inputs = [join(root, "tsconfig.json"), join(root, "node_modules/.package-lock.json")];
  const outputs = [];
  for (const folder of FOLDERS) {
    const names = await readdir(join(root, folder), { recursive: true }).catch(() => []);
    for (const name of names.filter((file) => /\.(ts|lua)$/.test(file)).sort()) {
      inputs.push(join(root, folder, name));
      outputs.push(join(root, "dist", folder, name.replace(/\.ts$/, ".js")));
    }
  }
  for (const folder of STUDIO_FOLDERS) {
    const entries = await readdir(join(root, folder), { recursive: true, withFileTypes: true });
    for (const entry of entries) if (entry.isFile()) inputs.push(join(entry.parentPath, entry.name));
  }
  outputs.push(join(root, "dist", "studio", "index.html"));
  return { state: inputs.map(describe).join("\n"), output: () => outputs.map(describe).join("\n") };
}

/** @param {string} path */
function describe(path) {
  const entry = statSync(path, { throwIfNoEntry: false });
  return `${path} ${entry?.size} ${entry?.mtimeMs}`;
}

/**
 * @param {string} dist
 * @param {string} root of the sources
 */
async function removeStale(dist, root) {
  for (const entry of await readdir(dist, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    if (path.startsWith(join(dist, "studio")) || entry.name.startsWith(".tsbuildinfo")) continue;
    const source = join(root, path.slice(dist.length)).replace(/(\.js(\.map)?|\.d\.ts)$/, ".ts");
    if (!existsSync(source)) await rm(path);
  }
}
