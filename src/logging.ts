import { type Logger, pino } from "pino";
import pretty from "pino-pretty";
import type { Config } from "./config.ts";

export type { Logger } from "pino";

/** Fields that never reach a log. */
const SECRETS = [
  "authorization",
  "req.headers.authorization",
  "req.headers.cookie",
  "headers.authorization",
  "headers.cookie",
];

/** As pino's own, without the arguments of the command that Redis refused: a password, or a job's whole record. */
function serializeError(error: Error): unknown {
  const { command, ...rest } = pino.stdSerializers.err(error) as { command?: { name?: unknown } };
  return command === undefined ? rest : { ...rest, command: command.name };
}

/** JSON lines on stdout; in a terminal outside production, lines for people. */
export function createLogger(config: Pick<Config, "environment" | "logLevel">, service: string): Logger {
  const options = {
    level: config.logLevel,
    base: { service },
    timestamp: pino.stdTimeFunctions.isoTime,
    serializers: { err: serializeError },
    redact: { paths: SECRETS, censor: "[redacted]" },
  };
  const terminal = process.stdout.isTTY && config.environment !== "production";
  // Without a least length flush() does not wait for what is being written: the last lines of a process got lost.
  if (!terminal) return pino(options, pino.destination({ fd: 1, sync: false, minLength: 1 }));
  return pino(options, pretty({ ignore: "pid,hostname,service", messageFormat: "{service}: {msg}" }));
}

/** Ends the process when its last lines are written. */
export function exitAfterLogging(logger: Logger, code: number): void {
  logger.flush(() => process.exit(code));
}
