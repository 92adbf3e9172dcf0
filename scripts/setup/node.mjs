// Runs first, on any Node: only syntax and modules that old versions know.
import { SetupFailure } from "./failure.mjs";

/** The oldest that the libraries in use support. */
const MIN_VERSION = "20.19";
/** The newest that `npm run test:node-versions` has tried. */
export const MAX_TESTED_MAJOR = 26;

/**
 * Rejects a Node that is too old, and warns about one that is newer than those tried.
 * @param {string} version as in process.versions.node
 * @param {(line: string) => void} [warn]
 */
export function checkNode(version, warn = console.warn) {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  if (major < 20 || (major === 20 && minor < 19)) {
    throw new SetupFailure(
      `Node ${version} is too old: this project needs Node ${MIN_VERSION} or newer.`,
      "Install Node 24 (nodejs.org, or `nvm install 24`), and start the command again.",
    );
  }
  if (major > MAX_TESTED_MAJOR) {
    warn(
      `warning: Node ${version} is newer than those that this project was tried on (up to ${MAX_TESTED_MAJOR}).`,
    );
  }
}
