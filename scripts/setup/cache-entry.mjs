import { existsSync, readFileSync, statSync } from "node:fs";
import { mkdir, readdir, rename, rm, utimes, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { basename, dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { SetupFailure } from "./failure.mjs";

const HEARTBEAT_MS = 5_000;
const STALE_MS = 30_000;

/**
 * Creates a folder in the shared cache once, whole or not at all.
 *
 * `create` fills a temporary folder beside it, which is renamed when it is complete. An interrupted run leaves nothing that
 * looks complete, and the next run removes its remains. If several clones need the same folder, one creates it and the
 * others wait.
 * @param {string} folder
 * @param {(partial: string) => Promise<void>} create
 * @param {() => void} [onWait] called once if another process is creating it
 */
export async function createCacheEntry(folder, create, onWait) {
  if (existsSync(folder)) return;
  const release = await lock(folder, onWait).catch((error) => {
    if (!["EACCES", "EPERM", "EROFS"].includes(error.code)) throw error;
    throw new SetupFailure(
      `${basename(folder)} is not in the cache, and cannot be put there: ${error.message}`,
      "Set NST_CACHE_DIR to a folder that you may write to.",
    );
  });
  try {
    if (existsSync(folder)) return;
    const prefix = `${basename(folder)}.partial-`;
    for (const name of await readdir(dirname(folder))) {
      if (name.startsWith(prefix)) await rm(join(dirname(folder), name), { recursive: true, force: true });
    }
    const partial = join(dirname(folder), `${prefix}${process.pid}`);
    await mkdir(partial);
    try {
      await create(partial);
      await rename(partial, folder);
    } finally {
      await rm(partial, { recursive: true, force: true });
    }
  } finally {
    await release();
  }
}

/** @param {string} folder to create @param {(() => void) | undefined} onWait */
async function lock(folder, onWait) {
  await mkdir(dirname(folder), { recursive: true });
  const path = `${folder}.lock`;
  let waiting = false;
  for (;;) {
    try {
      await writeFile(path, `${process.pid} ${hostname()}`, { flag: "wx" });
      break;
    } catch (error) {
      if (error.code !== "EEXIST") throw error;
    }
    if (isStale(path)) {
      await rm(path, { force: true });
      continue;
    }
    if (!waiting) onWait?.();
    waiting = true;
    await sleep(500);
  }
  const heartbeat = setInterval(() => {
    const now = new Date();
    utimes(path, now, now).catch(() => undefined);
  }, HEARTBEAT_MS);
  return async () => {
    clearInterval(heartbeat);
    await rm(path, { force: true });
  };
}

/** A lock is stale if its process on this machine is dead, or if nobody has refreshed it for a while. */
function isStale(path) {
  try {
    const [pid, host] = readFileSync(path, "utf8").split(" ");
    if (Date.now() - statSync(path).mtimeMs > STALE_MS) return true;
    if (host !== hostname() || !pid) return false;
    try {
      process.kill(Number(pid), 0);
      return false;
    } catch (error) {
      return error.code === "ESRCH";
    }
  } catch {
    return false;
  }
}
