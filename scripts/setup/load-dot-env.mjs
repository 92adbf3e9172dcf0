import { existsSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "./folders.mjs";

/** Sets what the clone's `.env` says, except for variables that the environment has already. */
export function loadDotEnv() {
  const file = join(ROOT, ".env");
  if (existsSync(file)) process.loadEnvFile(file);
}
