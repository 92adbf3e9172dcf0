// Runs before anything else, on whatever Node there is: only syntax and modules that old versions know.
import { SetupFailure } from "./failure.mjs";

/** From 20.19 (the oldest that the libraries in use support) up to, not including, 25. */
export const NODE_RANGE = ">=20.19 <25";

/**
 * @param {string} version as in process.versions.node
 */
export function checkNode(version) {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  if (major < 20 || (major === 20 && minor < 19) || major >= 25) {
    throw new SetupFailure(
      `Node ${version} cannot run this project: it needs Node ${NODE_RANGE}.`,
      "Install Node 22 or 24 (nodejs.org, or `nvm install 22`), and start the command again.",
    );
  }
}
