import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createCacheEntry } from "./cache-entry.mjs";
import { compile, linkTo } from "./native-addons.mjs";

/**
 * Compiles the program that keeps the engine from the network, from files and from other processes, on Linux.
 * @param {string} root
 * @param {string} cache
 * @param {(line: string) => void} log
 */
export async function installSandbox(root, cache, log) {
  if (process.platform !== "linux") return;
  const source = join(root, "workers/sandbox/sandbox.cc");
  const hash = createHash("sha256").update(readFileSync(source)).digest("hex").slice(0, 16);
  const folder = join(cache, "programs", `nst-sandbox-${process.arch}-${hash}`);
  await createCacheEntry(folder, async (partial) => {
    log("compiling nst-sandbox");
    await compile(["-std=c++17", "-O2", source, "-o", join(partial, "nst-sandbox")], "nst-sandbox");
  });
  await linkTo(join(folder, "nst-sandbox"), join(root, "build/nst-sandbox"));
}
