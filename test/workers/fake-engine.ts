// An engine that paints nothing: it speaks the protocol, and fails in ways that the real one cannot be made to. The first
// argument decides how it starts, the seed what a painting does. After "sends" comes a message that it sends for each painting,
// as an engine does that runs a picture's code.
import { existsSync, writeFileSync } from "node:fs";
import type { Progress } from "../../src/contract/job.ts";
import type { Raster } from "../../src/pictures/raster.ts";
import type { EngineEvent, EngineRequest } from "../../workers/engine/protocol.ts";

/** Seeds of paintings that fail. */
const ABORT = 1;
const OUT_OF_MEMORY = 2;
const HANG = 3;

const send = (event: EngineEvent) => process.send?.(event);
process.on("disconnect", () => process.exit(0));

const [mode = "works", file = ""] = process.argv.slice(2);
if (mode === "exits-at-start") process.exit(3);
if (mode === "needs-file" && !existsSync(file)) {
  send({ type: "not_ready", code: "weights_missing", message: `${file} is missing` });
} else {
  const memory_mib = 1;
  const engine = { device: "cpu", name: "a fake", kernels: "tfjs", tensorflow: "none", memory_mib } as const;
  send({ type: "ready", engine, largest_size: 4096 });
}

/** Whether a painting is in progress that does not end by itself. */
let hanging = false;
/** What the latest painting has. */
let picture: Raster;
let progress: Progress;

process.on("message", (request: EngineRequest) => {
  if (request.type === "cancel" && hanging) {
    hanging = false;
    send({ type: "canceled" });
  }
  if (request.type === "finish" && hanging) {
    hanging = false;
    send({ type: "painted", picture, pixels: null, progress });
  }
  if (request.type === "checkpoint" && hanging) {
    writeFileSync(request.path, "1");
    send({ type: "checkpoint", step: 1, path: request.path });
  }
  if (request.type !== "paint") return;
  if (mode === "sends") {
    for (const message of JSON.parse(file)) process.send?.(message);
    hanging = true;
    return;
  }
  picture = request.pictures.content;
  const { width, height } = picture;
  const isHanging = request.options.seed === HANG;
  progress = {
    ...{ step: 1, total_steps: isHanging ? 10 : 1, fraction: isHanging ? 0.1 : 1 },
    ...{ loss: null, step_ms: 1, eta_seconds: 0, scale: { index: 0, count: 1, width, height } },
  };
  send({ type: "progress", progress, options_version: 0 });
  switch (request.options.seed) {
    case ABORT:
      process.abort();
      break;
    case OUT_OF_MEMORY:
      process.stderr.write("terminate called after throwing an instance of 'std::bad_alloc'\n", () =>
        process.abort(),
      );
      break;
    case HANG:
      hanging = true;
      break;
    default:
      send({ type: "painted", picture, pixels: null, progress });
  }
});
