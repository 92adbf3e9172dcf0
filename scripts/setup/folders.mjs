import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

/** The repository's root folder. */
export const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), "../..");

/** What set-up built or found, for the programs that it set up: see set-up.mjs. */
export const REPORT = join(ROOT, "build", "setup.json");

/**
 * The folder for big things shared by clones: $NST_CACHE_DIR, else $XDG_CACHE_HOME/nst, else ~/.cache/nst, else, for a user
 * without a home, a folder of this clone.
 */
export function cacheFolder(env = process.env) {
  if (env.NST_CACHE_DIR) return resolve(env.NST_CACHE_DIR);
  if (env.XDG_CACHE_HOME) return join(resolve(env.XDG_CACHE_HOME), "nst");
  const home = homeFolder();
  return home === undefined ? join(ROOT, "build", "cache") : join(home, ".cache", "nst");
}

/** The user's home; undefined if there is none, as for many users of services and containers. */
export function homeFolder() {
  try {
    const home = homedir();
    return existsSync(home) ? home : undefined;
  } catch {
    // Neither HOME nor an entry in the system's list of users.
    return undefined;
  }
}
