import { NstClient } from "../clients/typescript/index.ts";
import { EmbeddedServiceError, startEmbeddedService } from "../local/embedded-service.ts";
import { CommandError } from "./errors.ts";
import { EXIT } from "./exit-codes.ts";
import type { Terminal } from "./terminal.ts";

export interface ServerFlags {
  server?: string;
  key?: string;
}

export interface Connection {
  client: NstClient;
  url: string;
  /** This command started the service, and stops it at the end. */
  embedded: boolean;
  close(): Promise<void>;
}

export const DEFAULT_SERVER = "http://localhost:3000";

/** Connects to the service that --server or NST_SERVER names, or to the default address. */
export function connect(flags: ServerFlags, { environment }: Terminal): Connection {
  const url = (flags.server ?? environment.NST_SERVER ?? DEFAULT_SERVER).replace(/\/+$/, "");
  if (!/^https?:\/\/./.test(url)) {
    throw new CommandError(`--server: expected http://… or https://…, received ${url}`, EXIT.usage);
  }
  const client = new NstClient(url, { apiKey: flags.key ?? environment.NST_API_KEY });
  return { client, url, embedded: false, close: async () => undefined };
}

/** Like `connect`, but starts a service if none is named and none listens at the default address. */
export async function connectOrEmbed(
  flags: ServerFlags,
  terminal: Terminal,
  logFile?: string,
): Promise<Connection> {
  const server = flags.server ?? terminal.environment.NST_SERVER;
  if (server !== undefined || (await isRunning(DEFAULT_SERVER))) return connect(flags, terminal);
  return await embed(terminal, logFile);
}

/** Starts a service that ends with this command. */
export async function embed({ environment, err }: Terminal, logFile?: string): Promise<Connection> {
  err.write("starting a service for this command\n");
  try {
    const service = await startEmbeddedService(environment, logFile);
    return {
      client: new NstClient(service.url),
      url: service.url,
      embedded: true,
      close: () => service.stop(),
    };
  } catch (error) {
    if (error instanceof EmbeddedServiceError) throw new CommandError(error.message, EXIT.failed);
    throw error;
  }
}

/** Checks the response body, because another program may listen on the port. */
async function isRunning(url: string): Promise<boolean> {
  try {
    const response = await fetch(`${url}/livez`, { signal: AbortSignal.timeout(2_000) });
    return ((await response.json()) as { status?: string }).status === "alive";
  } catch {
    return false;
  }
}
