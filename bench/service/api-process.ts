import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { freePorts } from "../../local/free-ports.ts";
import { ROOT } from "../../src/root.ts";

const START_TIMEOUT_MS = 20_000;

interface ApiProcess {
  url: string;
  pid: number;
  stop(): Promise<void>;
}

/** Starts the API as a process and waits until it answers. */
export async function startApi(environment: NodeJS.ProcessEnv): Promise<ApiProcess> {
  const [port] = await freePorts(1);
  const child = spawn(process.execPath, [join(ROOT, "dist/src/main.js")], {
    env: { ...process.env, NODE_ENV: "production", LOG_LEVEL: "warn", PORT: String(port), ...environment },
    stdio: ["ignore", "ignore", "inherit"],
  });
  const url = `http://127.0.0.1:${port}`;
  const stop = async () => {
    if (child.exitCode !== null) return;
    child.kill("SIGKILL");
    await once(child, "exit");
  };
  const deadline = Date.now() + START_TIMEOUT_MS;
  while (!(await fetch(`${url}/livez`).catch(() => null))?.ok) {
    if (Date.now() > deadline || child.exitCode !== null) {
      await stop();
      throw new Error(`The API did not answer at ${url}`);
    }
    await sleep(100);
  }
  return { url, pid: child.pid ?? 0, stop };
}
