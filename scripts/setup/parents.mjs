import { readFileSync } from "node:fs";

const EVERY_MS = 1_000;

/**
 * Calls back when npm, which runs this script, is gone: npm that is killed takes nothing with it, and would leave
 * a service running that nobody sees. A script started without npm may outlive its parent.
 * @param {() => void} onGone
 */
export function whenNpmEnds(onGone) {
  if (process.env.npm_lifecycle_event === undefined) return;
  const ancestors = [process.ppid, parentOf(process.ppid)].filter((pid) => pid !== undefined && pid > 1);
  const timer = setInterval(() => {
    if (ancestors.every(isAlive)) return;
    clearInterval(timer);
    onGone();
  }, EVERY_MS);
  timer.unref();
}

/** npm runs scripts in a shell, so that npm is the parent's parent; known on Linux. @param {number} pid */
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
