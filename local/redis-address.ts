import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { z } from "zod";

/** The shortest `sun_path` of the systems in use (macOS), less its final zero. */
const SOCKET_PATH_BYTES = 103;
/** The file that tells other programs of this user how to connect. */
const ADDRESS_FILE = "address.json";
const addressSchema = z.object({
  /** The path of its unix socket. */
  socket: z.string(),
  /** Beside an NVIDIA driver the engine's sandbox lets it open unix sockets. */
  password: z.string(),
});
export type RedisAddress = z.infer<typeof addressSchema>;

export const redisUrl = ({ socket, password }: RedisAddress) => `unix://:${password}@${socket}`;

export const redisFolder = (dataDirectory: string) => join(dataDirectory, "redis");

/** The address for the Redis in `<dataDirectory>/redis`, with a new password. */
export async function newRedisAddress(dataDirectory: string): Promise<RedisAddress> {
  return { socket: await socketPath(dataDirectory), password: randomBytes(24).toString("base64url") };
}

/** A path in the data folder if a socket can be there, else in a private temporary one. */
async function socketPath(dataDirectory: string): Promise<string> {
  const path = join(redisFolder(dataDirectory), "redis.sock");
  if (await canListenAt(path)) return path;
  return join(await mkdtemp(join(tmpdir(), "nst-redis-")), "redis.sock");
}

/**
 * Whether Redis can listen at a path. It cannot if the path is too long for a socket or has spaces (Redis 6 splits its
 * arguments there), or if the file system has no sockets (WSL's /mnt/c, exFAT, SMB).
 */
async function canListenAt(path: string): Promise<boolean> {
  if (Buffer.byteLength(path) > SOCKET_PATH_BYTES || /\s/.test(path)) return false;
  if (await isSocket(path)) return true; // from an earlier start
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const server = createServer().listen(path);
  try {
    await once(server, "listening");
    server.close();
    await once(server, "close");
    return true;
  } catch {
    await rm(path, { force: true }); // exFAT leaves an empty file
    return false;
  }
}

async function isSocket(path: string): Promise<boolean> {
  return await stat(path).then(
    (found) => found.isSocket(),
    () => false,
  );
}

/** The address of the Redis that runs or last ran in this folder; undefined if none ever did. */
export async function lastAddress(dataDirectory: string): Promise<RedisAddress | undefined> {
  const text = await readFile(join(redisFolder(dataDirectory), ADDRESS_FILE), "utf8").catch(() => undefined);
  return text === undefined ? undefined : addressSchema.parse(JSON.parse(text));
}

/** Writes a file that nobody but this user can read, whatever the mode of an earlier one. */
export async function writeAddress(folder: string, address: RedisAddress): Promise<void> {
  const path = join(folder, ADDRESS_FILE);
  await rm(path, { force: true });
  await writeFile(path, JSON.stringify(address), { mode: 0o600, flag: "wx" });
}
