import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { pingRedis } from "./ping.ts";

const execute = promisify(execFile);

/** The shortest `sun_path` of the systems in use (macOS), less its final zero. */
const SOCKET_PATH_BYTES = 103;
/** Where the socket's path is noted for other programs. */
const SOCKET_NOTE = "socket-path";
/** A large append-only file takes a while to load; Redis does tens of MB a second. */
const LOADING_MS = 120_000;
/** How long a Redis whose service was killed may still take to stop: see watchdog.ts. */
const PREDECESSOR_MS = 20_000;

export interface EmbeddedRedis {
  pid: number;
  /** Resolves when the server has ended, for whatever reason, with its last words. */
  ended: Promise<string>;
  stop(): Promise<void>;
}

class RedisStartError extends Error {
  override readonly name = "RedisStartError";
}

/**
 * The path for the unix socket of the Redis in `<dataDirectory>/redis`: in that folder if a socket can be there, else in
 * a private temporary one.
 */
export async function redisSocket(dataDirectory: string): Promise<string> {
  const path = join(redisFolder(dataDirectory), "redis.sock");
  if (await canListenAt(path)) return path;
  return join(await mkdtemp(join(tmpdir(), "nst-redis-")), "redis.sock");
}

/**
 * Whether Redis can listen at a path: it is too long for a socket, or has spaces, at which Redis 6 splits its arguments,
 * or its file system has no sockets (WSL's /mnt/c, exFAT, SMB).
 */
async function canListenAt(path: string): Promise<boolean> {
  if (Buffer.byteLength(path) > SOCKET_PATH_BYTES || /\s/.test(path)) return false;
  if (await isSocket(path)) return true; // of an earlier start
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const server = createServer().listen(path);
  try {
    await once(server, "listening");
    server.close();
    await once(server, "close");
    return true;
  } catch {
    await rm(path, { force: true }); // exFAT keeps an empty file
    return false;
  }
}

async function isSocket(path: string): Promise<boolean> {
  return await stat(path).then(
    (found) => found.isSocket(),
    () => false,
  );
}

/** The socket of the Redis that runs, or ran last, in this folder; undefined where none ever did. */
export async function knownSocket(dataDirectory: string): Promise<string | undefined> {
  return await readFile(join(redisFolder(dataDirectory), SOCKET_NOTE), "utf8").catch(() => undefined);
}

/**
 * Starts a redis-server that keeps its data in `<dataDirectory>/redis`.
 *
 * Every write is on disk before it is answered (`appendfsync always`); a file cut short by a crash is loaded up
 * to its last whole command. It listens on a unix socket that only this user may open, and on no port.
 *
 * @throws RedisStartError when it does not answer, or another one uses the folder.
 */
export async function startRedis(
  executable: string,
  dataDirectory: string,
  socket: string,
  predecessor: { onWait?: () => void; patienceMs?: number } = {},
): Promise<EmbeddedRedis> {
  const folder = redisFolder(dataDirectory);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await predecessorGone(folder, predecessor.onWait, predecessor.patienceMs);
  await rm(socket, { force: true }); // left by a crash
  await writeFile(join(folder, SOCKET_NOTE), socket);
  const child = spawn(executable, serverArguments(socket), {
    cwd: folder,
    stdio: ["ignore", "pipe", "pipe"],
    // Not in the terminal's process group: Ctrl-C must reach it last, when nobody needs it any more.
    detached: true,
  });
  const ended = endOf(child);
  await answering(child, socket, ended, executable);
  return {
    pid: child.pid ?? 0,
    ended,
    async stop() {
      child.kill("SIGTERM");
      await ended;
    },
  };
}

const redisFolder = (dataDirectory: string) => join(dataDirectory, "redis");

function serverArguments(socket: string): string[] {
  return [
    ...["--port", "0", "--unixsocket", socket, "--unixsocketperm", "700", "--pidfile", "redis.pid"],
    ...["--appendonly", "yes", "--appendfsync", "always", "--aof-load-truncated", "yes", "--save", ""],
    ...["--maxmemory-policy", "noeviction", "--daemonize", "no", "--loglevel", "notice"],
  ];
}

/** Two servers on one append-only file would destroy it: waits for one that is stopping, refuses beside one that stays. */
async function predecessorGone(
  folder: string,
  onWait?: () => void,
  patienceMs = PREDECESSOR_MS,
): Promise<void> {
  let told = false;
  const deadline = Date.now() + patienceMs;
  for (;;) {
    const pid = await runningServer(folder);
    if (pid === undefined) return;
    if (Date.now() > deadline) {
      throw new RedisStartError(
        `${folder} is in use by another service (redis-server, process ${pid}). Stop that one, or set DATA_DIR to another folder.`,
      );
    }
    if (!told) onWait?.();
    told = true;
    await sleep(200);
  }
}

/** The process that the pid file names, if it is a running Redis and not a later process of the same number. */
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

async function answering(
  child: ChildProcess,
  socket: string,
  ended: Promise<string>,
  executable: string,
): Promise<void> {
  let lastWords: string | undefined;
  void ended.then((words) => {
    lastWords = words;
  });
  const deadline = Date.now() + LOADING_MS;
  while (!(await pingRedis(socket))) {
    if (lastWords !== undefined) {
      throw new RedisStartError(`${executable} did not start:\n${lastWords}`);
    }
    if (Date.now() > deadline) {
      child.kill("SIGKILL");
      throw new RedisStartError(`${executable} did not answer within ${LOADING_MS / 1000} s`);
    }
    await sleep(20);
  }
}

async function endOf(child: ChildProcess): Promise<string> {
  let lines = "";
  const keep = (text: Buffer) => {
    lines = (lines + text.toString()).slice(-2_000);
  };
  child.stdout?.on("data", keep);
  child.stderr?.on("data", keep);
  try {
    await once(child, "close");
    return lines.trim();
  } catch (error) {
    return String(error);
  }
}
