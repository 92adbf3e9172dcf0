import { existsSync } from "node:fs";
import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { runCommand } from "./command.mjs";
import { SetupFailure } from "./failure.mjs";

/**
 * Compiles TypeScript to dist/, and removes what was compiled from sources that are gone: a test deleted or
 * renamed would else go on passing.
 * @param {string} root
 */
export async function build(root) {
  const compiler = join(root, "node_modules/typescript/bin/tsc");
  const result = await runCommand(process.execPath, [compiler, "--project", root], { cwd: root });
  if (result.code !== 0) {
    throw new SetupFailure(`TypeScript does not compile:\n${result.output.trim()}`, "Mend the errors above.");
  }
  await removeStale(join(root, "dist"), root);
}

/**
 * @param {string} dist
 * @param {string} root of the sources
 */
export async function removeStale(dist, root) {
  for (const entry of await readdir(dist, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    const source = join(root, path.slice(dist.length)).replace(/\.js(\.map)?$/, ".ts");
    if (!existsSync(source)) await rm(path);
  }
}
