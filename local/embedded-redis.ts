import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { makePrivateFolder } from "../src/storage/private-folder.ts";
import { pingRedis } from "./ping-redis.ts";
import { type RedisAddress, redisFolder, writeAddress } from "./redis-address.ts";

const execute = promisify(execFile);

/** Redis loads tens of MB of its append-only file a second. */
const STARTUP_TIMEOUT_MS = 120_000;
/** A Redis whose service was killed stops within this time: see watchdog.ts. */
const PREVIOUS_SERVER_TIMEOUT_MS = 20_000;

export interface EmbeddedRedis {
  pid: number;
  /** Resolves with the end of its output when the server exits for any reason. */
  exited: Promise<string>;
  stop(): Promise<void>;
}

class RedisStartError extends Error {
  override readonly name = "RedisStartError";
}

/**
 * Starts a redis-server that keeps its data in `<dataDirectory>/redis`.
 *
 * Redis writes each change to disk before it answers (`appendfsync always`), and loads a file that a crash cut short up
 * to the last whole command. It listens on a unix socket that only this user may open, and on no port. It takes its password
 * from its standard input, because every user can read the arguments of a process.
 *
 * @throws RedisStartError if it does not answer, or another server uses the folder.
 */
export async function startRedis(
  executable: string,
  dataDirectory: string,
  address: RedisAddress,
  previous: { onWait?: () => void; timeoutMs?: number } = {},
): Promise<EmbeddedRedis> {
  const folder = redisFolder(dataDirectory);
  await makePrivateFolder(folder, { group: false });
  await waitForPreviousServer(folder, previous.onWait, previous.timeoutMs);
  await rm(address.socket, { force: true }); // a crash leaves it behind
  await writeAddress(folder, address);
  const child = spawn(executable, serverArguments(address.socket), {
    cwd: folder,
    stdio: ["pipe", "pipe", "pipe"],
    // Outside the terminal's process group: Ctrl-C must not stop Redis before the processes that use it.
    detached: true,
  });
  const exited = exitOf(child);
  child.stdin?.on("error", () => undefined); // it has exited
  child.stdin?.end(`requirepass ${address.password}\n`);
  await waitUntilReady(child, address, exited, executable);
  return {
    pid: child.pid ?? 0,
    exited,
    async stop() {
      child.kill("SIGTERM");
      await exited;
    },
  };
}

function serverArguments(socket: string): string[] {
  return [
    ...["--port", "0", "--unixsocket", socket, "--unixsocketperm", "700", "--pidfile", "redis.pid"],
    ...["--appendonly", "yes", "--appendfsync", "always", "--aof-load-truncated", "yes", "--save", ""],
    ...["--maxmemory-policy", "noeviction", "--daemonize", "no", "--loglevel", "notice", "-"],
  ];
}

/** Waits for the previous server to exit: two servers on one append-only file would destroy it. */
async function waitForPreviousServer(
  folder: string,
  onWait?: () => void,
  timeoutMs = PREVIOUS_SERVER_TIMEOUT_MS,
): Promise<void> {
  let waiting = false;
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const pid = await runningServer(folder);
    if (pid === undefined) return;
    if (Date.now() > deadline) {
      throw new RedisStartError(
        `${folder} is in use by another service (redis-server, process ${pid}). Stop that one, or set DATA_DIR to another folder.`,
      );
    }
    if (!waiting) onWait?.();
    waiting = true;
    await sleep(200);
  }
}

/** The process in the pid file, if it is a running Redis and not a later process with the same id. */
async function runningServer(folder: string): Promise<number | undefined> {
  const pid = Number(await readFile(join(folder, "redis.pid"), "utf8").catch(() => ""));
  if (!Number.isInteger(pid) || pid <= 0) return undefined;
  return /(^|\/)(redis|valkey)-server\b/.test(await commandOf(pid)) ? pid : undefined;
}

/** What a process runs, without its arguments if the system tells them apart; empty if the process has ended. */
async function commandOf(pid: number): Promise<string> {
  if (process.platform === "linux") {
    const commandLine = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
    return commandLine.split("\0")[0] ?? "";
  }
  const { stdout } = await execute("ps", ["-o", "args=", "-p", String(pid)]).catch(() => ({ stdout: "" }));
  return stdout;
}

async function waitUntilReady(
  child: ChildProcess,
  address: RedisAddress,
  exited: Promise<string>,
  executable: string,
): Promise<void> {
  let outputTail: string | undefined;
  void exited.then((output) => {
    outputTail = output;
  });
  const deadline = Date.now() + STARTUP_TIMEOUT_MS;
  while (!(await pingRedis(address))) {
    if (outputTail !== undefined) {
      throw new RedisStartError(`${executable} did not start:\n${outputTail}`);
    }
    if (Date.now() > deadline) {
      child.kill("SIGKILL");
      throw new RedisStartError(`${executable} did not answer within ${STARTUP_TIMEOUT_MS / 1000} s`);
    }
    await sleep(20);
  }
}

/** The end of what a process printed, once it has exited. */
async function exitOf(child: ChildProcess): Promise<string> {
  let output = "";
  const append = (text: Buffer) => {
    output = (output + text.toString()).slice(-2_000);
  };
  child.stdout?.on("data", append);
  child.stderr?.on("data", append);
  try {
    await once(child, "close");
    return output.trim();
  } catch (error) {
    return String(error);
  }
}
