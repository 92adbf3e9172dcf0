import { writeFile } from "node:fs/promises";

const TOUCH_MS = 5_000;

/**
 * Touches a file every five seconds, so that a container's health check sees whether the worker's event loop turns.
 * It says nothing of Redis or the engine, whose outage no restart of the worker would end.
 */
export function keepTouching(path: string): void {
  const touch = () => writeFile(path, "").catch(() => undefined);
  void touch();
  setInterval(touch, TOUCH_MS).unref();
}
