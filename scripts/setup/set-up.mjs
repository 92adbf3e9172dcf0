import { existsSync, readFileSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { build } from "./build.mjs";
import { cacheFolder, REPORT, ROOT } from "./folders.mjs";
import { installAddon, nativeKernels, tfjsBinding } from "./native-addons.mjs";
import { installPackages } from "./packages.mjs";
import { installRedis } from "./redis.mjs";
import { installSandbox } from "./sandbox.mjs";
import { hasNvidiaDriver, installTensorFlow } from "./tensorflow.mjs";
import { ensureWeights } from "./weights.mjs";

/**
 * Installs whatever is missing, and builds. Each step checks files first, and does nothing if they are complete.
 * @param {{ flavour?: "cpu" | "gpu" | undefined, log: (line: string) => void }} options
 */
export async function setUp({ flavour, log }) {
  const cache = cacheFolder();
  await installPackages(ROOT, log);
  const tensorflow = await installTensorFlow(cache, flavour ?? (hasNvidiaDriver() ? "gpu" : "cpu"), log);
  const addons = [tfjsBinding(ROOT), ...nativeKernels(ROOT)];
  await Promise.all(addons.map((addon) => installAddon(ROOT, cache, tensorflow, addon, log)));
  await installSandbox(ROOT, cache, log);
  const redisServer = await installRedis(cache, log);
  await report({ tensorflow: tensorflow.library, redis_server: redisServer });
  await build(ROOT);
  await ensureWeights(ROOT, log);
}

/** @param {{ tensorflow: string, redis_server: string }} found */
async function report(found) {
  const text = `${JSON.stringify(found, null, 2)}\n`;
  if (existsSync(REPORT) && readFileSync(REPORT, "utf8") === text) return;
  await mkdir(dirname(REPORT), { recursive: true });
  await writeFile(REPORT, text);
}
