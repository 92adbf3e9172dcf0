import { access, constants, mkdir } from "node:fs/promises";
import { ConfigError } from "../config.ts";
import { hasCode } from "./file-errors.ts";

/** Errors that a wrong setting causes. A full or missing disk may recover, and /readyz reports it. */
const SETTING_ERRORS = ["EACCES", "EPERM", "ENOTDIR", "ENOENT", "EEXIST"];

/** Creates the folder that a setting names. Throws a `ConfigError` if it cannot be created or written. */
export async function checkFolder(setting: string, path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true });
    await access(`${path}/.`, constants.W_OK);
  } catch (error) {
    if (!hasCode(error, ...SETTING_ERRORS)) return;
    const expected = "expected a folder that can be created and written";
    throw new ConfigError(`${setting}: ${expected}, received ${path}: ${(error as Error).message}`);
  }
}
