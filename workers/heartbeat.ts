import type { Redis } from "ioredis";
import {
  deregisterWorker,
  HEARTBEAT_MS,
  sendHeartbeat,
  type WorkerDescription,
} from "../src/jobs/scheduling/worker-registry.ts";
import type { RedisKeys } from "../src/redis/keys.ts";

/** Tells the API at regular intervals that this worker is alive, and its state. */
export class Heartbeat {
  private timer: NodeJS.Timeout | null = null;
  private sending: Promise<void> | null = null;

  constructor(
    private readonly redis: Redis,
    private readonly keys: RedisKeys,
    private readonly describe: () => WorkerDescription,
  ) {}

  start(): void {
    this.timer = setInterval(() => this.send(), HEARTBEAT_MS);
    this.send();
  }

  /** Sends a heartbeat now, for example because the worker's state has changed. */
  send(): void {
    // Without Redis one heartbeat waits. More of them would all be sent when Redis is back.
    this.sending ??= sendHeartbeat(this.redis, this.keys, this.describe())
      .catch(() => undefined)
      .finally(() => {
        this.sending = null;
      });
  }

  /** Stops the heartbeat and removes the worker from the registry. */
  async stop(): Promise<void> {
    if (this.timer) clearInterval(this.timer);
    await this.sending;
    await deregisterWorker(this.redis, this.keys, this.describe().id);
  }
}
