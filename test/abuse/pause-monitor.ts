// Measures the longest pause of an event loop. Preloaded into the API's process (`node --import`), and run alone as a control:
// on a machine that is busy, every process pauses. At SIGUSR2 it writes the longest pause so far to a file and starts again.
import { renameSync, writeFileSync } from "node:fs";
import { basename } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";

const RESOLUTION_MS = 10;
const folder = process.env.NST_PAUSES;
const script = process.argv[1] ?? "";
const isControl = basename(script).startsWith("pause-monitor");

// Children of the API inherit NODE_OPTIONS.
if (folder !== undefined && (isControl || /[\\/]src[\\/]main\.js$/.test(script))) {
  const delays = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  delays.enable();
  process.on("SIGUSR2", () => {
    const path = `${folder}/${process.pid}`;
    writeFileSync(`${path}.partial`, String(Math.max(0, delays.max / 1e6 - RESOLUTION_MS)));
    renameSync(`${path}.partial`, path);
    delays.reset();
  });
  writeFileSync(`${folder}/${process.pid}`, "0");
  if (isControl) setInterval(() => undefined, 1_000);
}
