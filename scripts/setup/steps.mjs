import { existsSync, readFileSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { build } from "./build.mjs";
import { installAddon, nativeKernels, tfjsBinding } from "./compile.mjs";
import { installConfine } from "./confine.mjs";
import { cacheFolder, REPORT, ROOT } from "./folders.mjs";
import { installPackages } from "./packages.mjs";
import { installRedis } from "./redis.mjs";
import { hasNvidiaDriver, installTensorFlow } from "./tensorflow.mjs";
import { provideWeights } from "./weights.mjs";

/**
 * Sets up whatever is missing, and builds. Each step looks at files first and does nothing where all is as it should be.
 * @param {{ flavour?: "cpu" | "gpu" | undefined, log: (line: string) => void }} options
 */
export async function setUp({ flavour, log }) {
  const cache = cacheFolder();
  await installPackages(ROOT, log);
  const tensorflow = await installTensorFlow(cache, flavour ?? (hasNvidiaDriver() ? "gpu" : "cpu"), log);
  const addons = [tfjsBinding(ROOT), ...nativeKernels(ROOT)];
  await Promise.all(addons.map((addon) => installAddon(ROOT, cache, tensorflow, addon, log)));
  await installConfine(ROOT, cache, log);
  const redisServer = await installRedis(cache, log);
  await report({ tensorflow: tensorflow.library, redis_server: redisServer });
  await build(ROOT);
  await provideWeights(ROOT, log);
}

/** @param {{ tensorflow: string, redis_server: string }} found */
async function report(found) {
  const text = `${JSON.stringify(found, null, 2)}\n`;
  if (existsSync(REPORT) && readFileSync(REPORT, "utf8") === text) return;
  await mkdir(dirname(REPORT), { recursive: true });
  await writeFile(REPORT, text);
}
