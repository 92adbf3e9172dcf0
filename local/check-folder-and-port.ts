import { once } from "node:events";
import { createServer } from "node:net";
import { type Config, ConfigError } from "../src/config.ts";
import { checkFolder } from "../src/storage/check-folder.ts";

/** Throws a `ConfigError` if the data folder is not writable or the port is taken. */
export async function checkFolderAndPort({ dataDirectory, host, port }: Config): Promise<void> {
  await checkFolder("DATA_DIR", dataDirectory);
  const server = createServer().listen({ host, port });
  await once(server, "listening").catch((error: Error) => {
    throw new ConfigError(`HOST, PORT: cannot listen at ${host}:${port}: ${error.message}`);
  });
  server.close();
  await once(server, "close");
}
