import { once } from "node:events";
import { access, constants, mkdir } from "node:fs/promises";
import { createServer } from "node:net";
import { dirname } from "node:path";
import { type Config, ConfigError } from "../src/config.ts";

/** Throws a `ConfigError` where the service could not run: its data folder cannot be written, or its port is taken. */
export async function checkPreconditions({ dataDirectory, host, port }: Config): Promise<void> {
  await makeFolder(dataDirectory).catch((error: Error) => {
    const expected = "expected a folder that can be written, or made";
    throw new ConfigError(`DATA_DIR: ${expected}, received ${dataDirectory}: ${error.message}`);
  });
  const server = createServer().listen({ host, port });
  await once(server, "listening").catch((error: Error) => {
    throw new ConfigError(`HOST, PORT: cannot listen at ${host}:${port}: ${error.message}`);
  });
  server.close();
  await once(server, "close");
}

/** As `mkdir` with `recursive`, which in Node 20 does not come back from a folder that takes none, such as /proc. */
async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" && dirname(path) !== path && !(await isThere(dirname(path)))) {
      await makeFolder(dirname(path));
      await mkdir(path);
    } else if (code !== "EEXIST") throw error;
  }
  await access(`${path}/.`, constants.W_OK);
}

async function isThere(path: string): Promise<boolean> {
  return await access(path).then(
    () => true,
    () => false,
  );
}
