import { writeFile } from "node:fs/promises";

const INTERVAL_MS = 5_000;

/**
 * Touches a file every five seconds, so that a container's liveness probe sees that the event loop runs. The file says
 * nothing about Redis or the engine: restarting the worker would not repair those.
 */
export function startLivenessFile(path: string): void {
  const touch = () => writeFile(path, "").catch(() => undefined);
  void touch();
  setInterval(touch, INTERVAL_MS).unref();
}
