import { readFileSync } from "node:fs";
import { join } from "node:path";
import { runCommand } from "./command.mjs";
import { SetupFailure } from "./failure.mjs";

/**
 * Runs `npm ci` when node_modules is not what package-lock.json says.
 * @param {string} root
 * @param {(line: string) => void} log
 */
export async function installPackages(root, log) {
  if (packagesMatch(root)) return;
  log("installing npm packages");
  const npm = process.env.npm_execpath;
  const [command, first] = npm?.endsWith(".js") ? [process.execPath, [npm]] : ["npm", []];
  const result = await runCommand(command, [...first, "ci", "--include=dev"], { cwd: root });
  if (result.code === "missing") {
    throw new SetupFailure("npm is missing.", "Install it: it comes with Node from nodejs.org.");
  }
  if (result.code !== 0) {
    const network = /ENOTFOUND|ECONNREFUSED|ETIMEDOUT|EAI_AGAIN|ECONNRESET|network/.test(result.output);
    throw new SetupFailure(
      network
        ? "The npm packages could not be downloaded: the npm registry cannot be reached."
        : `npm ci failed:\n${result.output.trim()}`,
      network ? "Check the network (and npm's proxy setting) and run it again." : "See npm's message above.",
    );
  }
}

/** Whether every package of the lock file is installed in its version, and no other. @param {string} root */
export function packagesMatch(root) {
  let wanted;
  let installed;
  try {
    wanted = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")).packages;
    installed = JSON.parse(readFileSync(join(root, "node_modules", ".package-lock.json"), "utf8")).packages;
  } catch {
    return false;
  }
  const missing = Object.entries(wanted).some(
    ([path, entry]) => path !== "" && !entry.optional && installed[path]?.version !== entry.version,
  );
  return !missing && Object.keys(installed).every((path) => path in wanted);
}
