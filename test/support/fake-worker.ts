import type { EngineDescription } from "../../src/contract/engine-description.ts";
import { sendHeartbeat, type WorkerDescription } from "../../src/jobs/scheduling/worker-registry.ts";
import type { TestService } from "./harness/service.ts";

/** What a worker reports about its engine. */
export const ENGINE: EngineDescription = {
  device: "cpu",
  name: "Zen",
  kernels: "avx2",
  tensorflow: "2.21.0",
  memory_mib: 8000,
};

/** Sends the heartbeat of a ready worker that does not exist; `more` replaces parts of its description. */
export function sendFakeHeartbeat(
  service: TestService,
  more: Partial<WorkerDescription> = {},
): Promise<void> {
  return sendHeartbeat(service.redis, service.keys, {
    ...{ id: "w1", version: "0", host: "here", pid: 1, started_at: new Date().toISOString() },
    ...{ ready: true, reason: null, engine: null, largest_size: 4096 },
    ...{ seconds_per_cost: null, free_in_seconds: null, job: null },
    ...more,
  });
}
