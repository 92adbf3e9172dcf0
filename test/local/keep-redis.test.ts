import { chmod, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "@jest/globals";
import { pino } from "pino";
import { keepRedis } from "../../local/keep-redis.ts";
import { pingRedis } from "../../local/ping.ts";
import { startWatchdog } from "../../local/watchdog.ts";
import { findServer } from "../support/redis.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { until } from "../support/until.ts";

const folder = temporaryFolder();

it("A Redis that is being started again when the service stops does not outlive it", async () => {
  const [server, started] = [join(folder(), "redis-server"), join(folder(), "started")];
  await writeFile(
    server,
    `#!/bin/sh\necho once more >> ${started}\n[ "$(wc -l < ${started})" -eq 1 ] || sleep 1\nexec ${await findServer()} "$@"\n`,
  );
  await chmod(server, 0o755);
  const data = join(folder(), "data");
  const watchdog = startWatchdog();
  const redis = await keepRedis(server, data, watchdog, pino({ level: "silent" }));
  const socket = redis.url.replace("unix://", "");
  expect(await pingRedis(socket)).toBe(true);
  process.kill(Number(await readFile(join(data, "redis/redis.pid"), "utf8")), "SIGKILL");
  await until(async () => (await readFile(started, "utf8")).split("\n").length === 3);
  await redis.stop();
  // As long as it would have taken to come.
  await sleep(2_000);
  expect(await pingRedis(socket)).toBe(false);
  await watchdog.release();
});
