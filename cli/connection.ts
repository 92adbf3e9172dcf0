import { Painter, ProblemError } from "../clients/typescript/index.ts";
import { EmbeddedServiceError, startEmbeddedService } from "../local/embedded-service.ts";
import { CommandError, EXIT } from "./exit-codes.ts";
import type { Terminal } from "./terminal.ts";

export interface ServerFlags {
  server?: string;
  key?: string;
}

export interface Connection {
  painter: Painter;
  url: string;
  /** The service is this command's own, and ends with it. */
  embedded: boolean;
  close(): Promise<void>;
}

export const DEFAULT_SERVER = "http://localhost:3000";

/** The service that the flags or NST_SERVER name, else one that runs on this machine. */
export function connect(flags: ServerFlags, { environment }: Terminal): Connection {
  const url = (flags.server ?? environment.NST_SERVER ?? DEFAULT_SERVER).replace(/\/+$/, "");
  if (!/^https?:\/\/./.test(url)) {
    throw new CommandError(`--server: expected http://… or https://…, received ${url}`, EXIT.usage);
  }
  const painter = new Painter(url, { key: flags.key ?? environment.NST_API_KEY });
  return { painter, url, embedded: false, close: async () => undefined };
}

/** The same, and where no service is named and none runs, one for this command alone. */
export async function connectOrEmbed(
  flags: ServerFlags,
  terminal: Terminal,
  logFile?: string,
): Promise<Connection> {
  const named = flags.server ?? terminal.environment.NST_SERVER;
  if (named !== undefined || (await answers(DEFAULT_SERVER))) return connect(flags, terminal);
  return await embed(terminal, logFile);
}

/** A service for this command alone. */
export async function embed({ environment, err }: Terminal, logFile?: string): Promise<Connection> {
  err.write("starting the service for this command\n");
  try {
    const service = await startEmbeddedService(environment, logFile);
    return {
      painter: new Painter(service.url),
      url: service.url,
      embedded: true,
      close: () => service.stop(),
    };
  } catch (error) {
    if (error instanceof EmbeddedServiceError) throw new CommandError(error.message, EXIT.failed);
    throw error;
  }
}

/** Whether a service of this kind answers there: something else may use the port. */
async function answers(url: string): Promise<boolean> {
  try {
    const response = await fetch(`${url}/livez`, { signal: AbortSignal.timeout(2_000) });
    return ((await response.json()) as { status?: string }).status === "alive";
  } catch {
    return false;
  }
}

/** What a failed call comes to: a message and an exit code. */
export function commandError(error: unknown): CommandError {
  if (error instanceof CommandError) return error;
  if (error instanceof ProblemError) {
    const fields = error.problem?.errors?.map(
      ({ path, expected, received }) => `  ${path}: expected ${expected}, received ${received}`,
    );
    const hint = error.status === 401 ? "\nGive a key with --key or NST_API_KEY." : "";
    return new CommandError([error.message, ...(fields ?? [])].join("\n") + hint, EXIT.refused);
  }
  const cause = error instanceof Error ? (error.cause as { code?: string } | undefined) : undefined;
  if (error instanceof TypeError && cause) {
    const detail = cause.code ?? error.message;
    return new CommandError(
      `The service cannot be reached (${detail}). Start it with npm start, or name another with --server.`,
      EXIT.unreachable,
    );
  }
  return new CommandError(error instanceof Error ? error.message : String(error), EXIT.failed);
}
