import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, open, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { ROOT } from "../src/root.ts";
import { freePorts } from "./free-ports.ts";

const READY_MS = 120_000;
const LOG_TAIL_LINES = 15;

interface EmbeddedService {
  url: string;
  stop(): Promise<void>;
}

/** The service did not start; the message has the end of its log. */
export class EmbeddedServiceError extends Error {
  override readonly name = "EmbeddedServiceError";
}

/**
 * Starts the whole service for one command, as `npm start` does: on a free port of this machine, with its data in a
 * temporary folder.
 * @throws EmbeddedServiceError if it does not get ready for jobs
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
    // The IPC channel carries no messages. It closes if this process dies, even by SIGKILL, and then the service stops.
    stdio: ["ignore", log.fd, log.fd, "ipc"],
    // Ctrl-C reaches the command alone, which then stops the service.
    detached: true,
  });
  main.channel?.unref();
  const exited = once(main, "exit").finally(() => log.close());
  let stopped: Promise<void> | undefined;
  const service = {
    url: `http://127.0.0.1:${port}`,
    stop() {
      main.kill("SIGTERM");
      stopped ??= exited.then(() => rm(data, { recursive: true, force: true }));
      return stopped;
    },
  };
  try {
    await Promise.race([ready(service.url), exited.then(() => Promise.reject(new Error("it exited")))]);
  } catch (error) {
    const lines = (await readFile(logPath, "utf8")).trim().split("\n").slice(-LOG_TAIL_LINES).join("\n");
    await service.stop();
    const reason = error instanceof Error ? error.message : String(error);
    throw new EmbeddedServiceError(`The service did not become ready: ${reason}\n${lines}`);
  }
  return service;
}

/** Waits until the service takes jobs. */
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
    if (missing.includes("weights_missing")) break; // waiting does not help
  }
  throw new Error(missing);
}
