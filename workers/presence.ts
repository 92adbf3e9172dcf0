import type { Redis } from "ioredis";
import {
  announceWorker,
  forgetWorker,
  HEARTBEAT_MS,
  type WorkerDescription,
} from "../src/jobs/scheduling/worker-registry.ts";
import type { RedisKeys } from "../src/redis/keys.ts";

/** Keeps saying that this worker lives, and how it is, so that the API can tell whether jobs will be worked at. */
export class Presence {
  private timer: NodeJS.Timeout | null = null;
  private announcing: Promise<void> | null = null;

  constructor(
    private readonly redis: Redis,
    private readonly keys: RedisKeys,
    private readonly describe: () => WorkerDescription,
  ) {}

  start(): void {
    this.timer = setInterval(() => this.announce(), HEARTBEAT_MS);
    this.announce();
  }

  /** Says it now, for example because something has changed. */
  announce(): void {
    // While Redis is away one waits: more would all be sent when it is back.
    this.announcing ??= announceWorker(this.redis, this.keys, this.describe())
      .catch(() => undefined)
      .finally(() => {
        this.announcing = null;
      });
  }

  async stop(): Promise<void> {
    if (this.timer) clearInterval(this.timer);
    await this.announcing;
    await forgetWorker(this.redis, this.keys, this.describe().id);
  }
}
