import { join } from "node:path";
import { KUBERNETES_SCHEMAS } from "./pinned-packages.mjs";
import { unpackWheels } from "./wheels.mjs";

const INSIDE = "kubernetes_validate/kubernetes-json-schema";

/**
 * JSON schemas of Kubernetes' API that reject unknown fields, in the cache.
 * @param {string} cache
 * @param {string[]} versions such as "1.37.0"
 * @param {(line: string) => void} log
 * @returns {Promise<string[]>} a folder for each version
 */
export async function installKubernetesSchemas(cache, versions, log) {
  const { name, version } = KUBERNETES_SCHEMAS;
  const folder = join(cache, `${name}-${version}-of-${versions.join("-")}`);
  const folders = versions.map((each) => `${INSIDE}/v${each}-local-strict/`);
  await unpackWheels(cache, folder, [{ wheel: KUBERNETES_SCHEMAS, take: folders }], log);
  return folders.map((each) => join(folder, each));
}
