import { homedir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

/** The repository's root folder. */
export const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), "../..");

/** What set-up built or found, for the programs that it set up: see steps.mjs. */
export const REPORT = join(ROOT, "build", "setup.json");

/** The folder for big things shared by clones: $NST_CACHE_DIR, else $XDG_CACHE_HOME/nst, else ~/.cache/nst. */
export function cacheFolder(env = process.env) {
  if (env.NST_CACHE_DIR) return resolve(env.NST_CACHE_DIR);
  return join(env.XDG_CACHE_HOME ? resolve(env.XDG_CACHE_HOME) : join(homedir(), ".cache"), "nst");
}
