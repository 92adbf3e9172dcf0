import type { Redis } from "ioredis";
import type { QueueKeys } from "../keys.ts";

/** How many times as long as a worker's own the locks of others may last: their settings may differ. */
const GENEROSITY = 4;

/**
 * After Redis' clock was set back, what was to last for seconds lasts until that time has come again: the locks of
 * workers that have died since, and the pause between two looks for them. Makes such ones as short as they should be.
 */
export async function shortenLocks(redis: Redis, keys: QueueKeys, lockMs: number): Promise<void> {
  await redis.nstShorten(
    keys.dispatch("stalled-check"),
    keys.status("running"),
    String(GENEROSITY * lockMs),
    keys.dispatch(""),
  );
}
