import { rm } from "node:fs/promises";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Logger } from "../src/logging.ts";
import { type EmbeddedRedis, startRedis } from "./embedded-redis.ts";
import { newRedisAddress, redisUrl } from "./redis-address.ts";
import type { Watchdog } from "./watchdog.ts";

const RESTART_MS = 1_000;

/** Runs a redis-server on one socket, and restarts it if it exits, until it is stopped. */
export async function superviseRedis(
  executable: string,
  dataDirectory: string,
  watchdog: Watchdog,
  log: Logger,
): Promise<{ url: string; stop(): Promise<void> }> {
  const address = await newRedisAddress(dataDirectory);
  let stopping = false;
  let current: EmbeddedRedis;
  let restarting = Promise.resolve();
  const start = async () => {
    const onWait = () => log.info("waiting for the previous redis-server to exit");
    current = await startRedis(executable, dataDirectory, address, { onWait });
    const { pid, exited } = current;
    watchdog.add(pid);
    void exited.then((outputTail) => {
      watchdog.remove(pid);
      if (stopping) return;
      log.warn(`redis-server exited; restarting in ${RESTART_MS / 1000} s. The end of its output:
${outputTail}`);
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
    url: redisUrl(address),
    async stop() {
      stopping = true;
      // A server that is just starting would outlive this process.
      await restarting;
      await current.stop();
      const { socket } = address;
      if (!socket.startsWith(dataDirectory)) await rm(dirname(socket), { recursive: true, force: true });
    },
  };
}
