import { access, constants, mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { ConfigError } from "../config.ts";
import { hasCode } from "./file-errors.ts";

/** Faults of the setting. What else hinders, a disk that is full or not there, may pass: /readyz says so. */
const LASTING = ["EACCES", "EPERM", "ENOTDIR", "ENOENT", "EEXIST"];

/** Makes the folder that a setting names. Throws a `ConfigError` where it cannot be made, or written. */
export async function checkFolder(setting: string, path: string): Promise<void> {
  await makeFolder(path).catch((error: Error) => {
    if (!hasCode(error, ...LASTING)) return;
    const expected = "expected a folder that can be written, or made";
    throw new ConfigError(`${setting}: ${expected}, received ${path}: ${error.message}`);
  });
}

/** As `mkdir` with `recursive`, which in Node 20 does not come back from a folder that takes none, such as /proc. */
async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" && dirname(path) !== path && !(await isThere(dirname(path)))) {
      await makeFolder(dirname(path));
      await mkdir(path);
    } else if (code !== "EEXIST") throw error;
  }
  await access(`${path}/.`, constants.W_OK);
}

async function isThere(path: string): Promise<boolean> {
  return await access(path).then(
    () => true,
    () => false,
  );
}
