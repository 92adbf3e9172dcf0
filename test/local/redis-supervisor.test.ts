import { chmod, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "@jest/globals";
import { pino } from "pino";
import { pingRedis } from "../../local/ping-redis.ts";
import { lastAddress, redisUrl } from "../../local/redis-address.ts";
import { superviseRedis } from "../../local/redis-supervisor.ts";
import { startWatchdog } from "../../local/watchdog.ts";
import { findServer } from "../support/harness/redis.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { until } from "../support/until.ts";

const folder = temporaryFolder();

it("The Redis supervisor also stops a server that is just restarting", async () => {
  const [server, started] = [join(folder(), "redis-server"), join(folder(), "started")];
  await writeFile(
    server,
    `#!/bin/sh\necho once more >> "${started}"\n[ "$(wc -l < "${started}")" -eq 1 ] || sleep 1\nexec "${await findServer()}" "$@"\n`,
  );
  await chmod(server, 0o755);
  const data = join(folder(), "data");
  const watchdog = startWatchdog();
  const redis = await superviseRedis(server, data, watchdog, pino({ level: "silent" }));
  const address = await lastAddress(data);
  if (address === undefined) throw new Error("The supervisor wrote no address");
  expect(redis.url).toBe(redisUrl(address));
  expect(await pingRedis(address)).toBe(true);
  process.kill(Number(await readFile(join(data, "redis/redis.pid"), "utf8")), "SIGKILL");
  await until(async () => (await readFile(started, "utf8")).split("\n").length === 3);
  await redis.stop();
  // Longer than the restart takes.
  await sleep(2_000);
  expect(await pingRedis(address)).toBe(false);
  await watchdog.release();
});
