import { readFileSync } from "node:fs";

const POLL_MS = 1_000;

/**
 * Calls back when the npm that runs this script has exited. A killed npm stops none of its children, and would leave a
 * service running unseen. A script that was started without npm may outlive its parent.
 * @param {() => void} onExit
 */
export function onNpmExit(onExit) {
  if (process.env.npm_lifecycle_event === undefined) return;
  const ancestors = [process.ppid, parentOf(process.ppid)].filter((pid) => pid !== undefined && pid > 1);
  const timer = setInterval(() => {
    if (ancestors.every(isAlive)) return;
    clearInterval(timer);
    onExit();
  }, POLL_MS);
  timer.unref();
}

/** npm runs scripts in a shell, so npm is the grandparent. Only Linux tells. @param {number} pid */
function parentOf(pid) {
  try {
    // The fields after the command's name in parentheses: state, parent.
    return Number(readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1)?.split(" ")[1]);
  } catch {
    return undefined;
  }
}

/** @param {number} pid */
function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === "EPERM";
  }
}
