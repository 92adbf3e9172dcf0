import { rm } from "node:fs/promises";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Logger } from "../src/logging.ts";
import { type EmbeddedRedis, redisSocket, startRedis } from "./redis.ts";
import type { Watchdog } from "./watchdog.ts";

const RESTART_MS = 1_000;

/** Keeps a Redis running on one socket until it is stopped. */
export async function keepRedis(
  executable: string,
  dataDirectory: string,
  watchdog: Watchdog,
  log: Logger,
): Promise<{ url: string; stop(): Promise<void> }> {
  const socket = await redisSocket(dataDirectory);
  let stopping = false;
  let current: EmbeddedRedis;
  let restarting = Promise.resolve();
  const start = async () => {
    const onWait = () => log.info("waiting for the redis-server of an earlier start to end");
    current = await startRedis(executable, dataDirectory, socket, { onWait });
    const { pid, ended } = current;
    watchdog.add(pid);
    void ended.then((lastWords) => {
      watchdog.remove(pid);
      if (stopping) return;
      log.warn(`redis-server ended; starting it again. Its last words:\n${lastWords}`);
      restarting = restart();
    });
  };
  const restart = async () => {
    for (;;) {
      await sleep(RESTART_MS);
      if (stopping) return;
      try {
        return await start();
      } catch (error) {
        log.error(error);
      }
    }
  };
  await start();
  return {
    url: `unix://${socket}`,
    async stop() {
      stopping = true;
      // One that is being started would outlive whoever started it.
      await restarting;
      await current.stop();
      if (!socket.startsWith(dataDirectory)) await rm(dirname(socket), { recursive: true, force: true });
    },
  };
}
