import { Engine } from "./engine.ts";
import type { EngineEvent, EngineRequest } from "./protocol.ts";

/**
 * The engine process: speaks {@link EngineRequest} and {@link EngineEvent} with the worker that forked it, and ends
 * with it. Its arguments are the project's root, where the weights were configured to be (see weights/find-weights.ts) and
 * the first card that it may use, both or one of the latter empty where nothing is set; it opens no network connection and writes no file but the checkpoints that it is asked for.
 */
function send(event: EngineEvent): Promise<void> {
  return new Promise((resolve) => {
    // With a callback of its own a failure is no uncaught error: where the worker is gone, "disconnect" is on its way.
    process.send?.(event, undefined, undefined, () => resolve());
  });
}

const engine = new Engine(send);
process.on("message", (request: EngineRequest) => engine.handle(request));
process.on("disconnect", () => process.exit(0));
// The worker decides when the engine ends: a terminal's Ctrl-C reaches the whole process group, and a service
// manager's SIGTERM may reach every process of the service.
process.on("SIGINT", () => {});
process.on("SIGTERM", () => {});
const [root = ".", configuredWeights, card] = process.argv.slice(2);
await engine.start(root, configuredWeights || undefined, card || undefined);
