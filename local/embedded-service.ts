import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, open, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { ROOT } from "../src/root.ts";
import { freePorts } from "./free-ports.ts";

const READY_MS = 120_000;
const LAST_LINES = 15;

export interface EmbeddedService {
  url: string;
  stop(): Promise<void>;
}

/** The service could not be started; `logFile` has what it said. */
export class EmbeddedServiceError extends Error {
  override readonly name = "EmbeddedServiceError";
}

/**
 * The whole service for the time of one command, as `npm start` runs it: on a free port of this machine, with its
 * data in a temporary folder.
 * @throws EmbeddedServiceError when it does not get ready to paint
 */
export async function startEmbeddedService(
  environment: NodeJS.ProcessEnv,
  logFile?: string,
): Promise<EmbeddedService> {
  const data = await mkdtemp(join(tmpdir(), "nst-"));
  const logPath = logFile ?? join(data, "service.log");
  const [port = 0] = await freePorts(1);
  const log = await open(logPath, "w");
  const { REDIS_URL, ...others } = environment;
  const main = spawn(process.execPath, [join(ROOT, "dist/local/main.js")], {
    env: { ...others, HOST: "127.0.0.1", PORT: String(port), DATA_DIR: data },
    // The channel says nothing: it closes when this process ends, even by SIGKILL, and the service stops then.
    stdio: ["ignore", log.fd, log.fd, "ipc"],
    // Ctrl-C reaches the command, which then stops the service.
    detached: true,
  });
  main.channel?.unref();
  const ended = once(main, "exit").finally(() => log.close());
  let stopped: Promise<void> | undefined;
  const service = {
    url: `http://127.0.0.1:${port}`,
    stop() {
      main.kill("SIGTERM");
      stopped ??= ended.then(() => rm(data, { recursive: true, force: true }));
      return stopped;
    },
  };
  try {
    await Promise.race([ready(service.url), ended.then(() => Promise.reject(new Error("it ended")))]);
  } catch (error) {
    const lines = (await readFile(logPath, "utf8")).trim().split("\n").slice(-LAST_LINES).join("\n");
    await service.stop();
    const reason = error instanceof Error ? error.message : String(error);
    throw new EmbeddedServiceError(`The service did not get ready: ${reason}\n${lines}`);
  }
  return service;
}

/** Waits until it takes jobs. */
async function ready(url: string): Promise<void> {
  let missing = "no answer";
  for (const deadline = Date.now() + READY_MS; Date.now() < deadline; await sleep(250)) {
    const response = await fetch(`${url}/readyz`).catch(() => undefined);
    if (response?.ok) return;
    if (!response) continue;
    const { checks } = (await response.json()) as { checks: Record<string, { reason: string | null }> };
    missing = Object.values(checks)
      .flatMap(({ reason }) => reason ?? [])
      .join("; ");
    if (missing.includes("weights_missing")) break; // waiting does not bring them
  }
  throw new Error(missing);
}
