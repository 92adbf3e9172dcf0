import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { ROOT } from "../../src/root.ts";

const FOLDER = join(ROOT, "dist/src/http/routes");

/**
 * Imports the route modules one by one before the app does so in parallel: in Jest on Node 20 a parallel import of modules
 * that share a dependency fails with "request for 'zod' is not in cache".
 */
export async function preloadRoutes(): Promise<void> {
  for (const name of await readdir(FOLDER, { recursive: true })) {
    if (name.endsWith(".js")) await import(pathToFileURL(join(FOLDER, name)).href);
  }
}
