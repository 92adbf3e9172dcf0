import { spawn } from "node:child_process";
import { once } from "node:events";
import { open, readFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { SetupFailure } from "../setup/failure.mjs";

const READY_MS = 120_000;

/**
 * The whole service on a free port of this machine, as `npm start` runs it.
 * @param {string} root
 * @param {string} data the folder for its Redis and pictures
 * @param {string} logFile where its log goes
 */
export async function startService(root, data, logFile) {
  const port = await freePort();
  const log = await open(logFile, "w");
  const { REDIS_URL, ...environment } = process.env;
  const main = spawn(process.execPath, [join(root, "dist/local/main.js")], {
    env: { ...environment, HOST: "127.0.0.1", PORT: String(port), DATA_DIR: data },
    stdio: ["ignore", log.fd, log.fd],
    // Ctrl-C reaches this script, which then stops the service.
    detached: true,
  });
  const ended = once(main, "exit").finally(() => log.close());
  const service = {
    url: `http://127.0.0.1:${port}`,
    async stop() {
      main.kill("SIGTERM");
      await ended;
    },
  };
  try {
    await Promise.race([ready(service.url), ended.then(() => Promise.reject(new Error("it ended")))]);
  } catch (error) {
    await service.stop();
    const lines = (await readFile(logFile, "utf8")).trim().split("\n").slice(-15).join("\n");
    throw new SetupFailure(`The service did not get ready: ${error.message}\n${lines}`, `See ${logFile}.`);
  }
  return service;
}

/** Waits until it takes jobs. @param {string} url */
async function ready(url) {
  let missing = "no answer";
  for (const deadline = Date.now() + READY_MS; Date.now() < deadline; await sleep(250)) {
    const response = await fetch(`${url}/readyz`).catch(() => undefined);
    if (response?.ok) return;
    if (!response) continue;
    const { checks } = await response.json();
    missing = Object.values(checks)
      .flatMap(({ reason }) => reason ?? [])
      .join("; ");
    if (missing.includes("weights_missing")) break; // waiting does not bring them
  }
  throw new Error(missing);
}

export async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}
