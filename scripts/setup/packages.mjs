import { readFileSync } from "node:fs";
import { join } from "node:path";
import { runCommand } from "./command.mjs";
import { SetupFailure } from "./failure.mjs";
import { homeFolder, ROOT } from "./folders.mjs";

/**
 * Runs `npm ci` if node_modules differs from package-lock.json.
 * @param {string} root
 * @param {(line: string) => void} log
 */
export async function installPackages(root, log) {
  if (packagesMatch(root)) return;
  log("installing npm packages");
  const result = await runNpm(["ci", "--include=dev", "--include=optional"], root);
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

/**
 * Runs the npm that started this script, else the one on PATH.
 * @param {string[]} args
 * @param {string} cwd
 */
export function runNpm(args, cwd) {
  const npm = process.env.npm_execpath;
  const [command, first] = npm?.endsWith(".js") ? [process.execPath, [npm]] : ["npm", []];
  // `npm --silent` would silence this npm too, and hide why it fails.
  const env = { ...process.env, npm_config_loglevel: "error" };
  // npm does not start for a user without a home.
  if (homeFolder() === undefined) env.HOME = join(ROOT, "build");
  return runCommand(command, [...first, ...args], { cwd, env });
}

/**
 * Whether every package of the lock file that this platform needs is installed in its version, and no other.
 * Optional ones count too: sharp's and esbuild's programs are such, one for each platform.
 * @param {string} root
 */
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
    ([path, entry]) => path !== "" && isForThisPlatform(entry) && installed[path]?.version !== entry.version,
  );
  return !missing && Object.keys(installed).every((path) => path in wanted);
}

/** @param {{ optional?: boolean, os?: string[], cpu?: string[], libc?: string[] }} entry of the lock file */
function isForThisPlatform({ optional, os, cpu, libc }) {
  // An optional package that names no platform is a fallback, which npm may leave out.
  if (optional && os === undefined && cpu === undefined) return false;
  // Set-up rejects a Linux without glibc.
  return allows(os, process.platform) && allows(cpu, process.arch) && allows(libc, "glibc");
}

/** @param {string[] | undefined} names such as ["linux"] or ["!win32"] @param {string} own */
function allows(names, own) {
  if (names === undefined || names.length === 0) return true;
  const refused = names.filter((name) => name.startsWith("!"));
  if (refused.includes(`!${own}`)) return false;
  return refused.length === names.length || names.includes(own);
}
