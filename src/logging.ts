import { type Logger, type LoggerOptions, pino } from "pino";
import pretty from "pino-pretty";
import type { Config } from "./config.ts";

export type { Logger } from "pino";

/** Fields that never reach a log, at any depth at which a library logs headers. */
const SECRETS = ["", "*.", "*.*.", "*.*.*."].flatMap((path) => [`${path}authorization`, `${path}cookie`]);

/** pino's own serializer, without the arguments of a failed Redis command: a password, or a whole job record. */
function serializeError(error: Error): unknown {
  const { command, ...rest } = pino.stdSerializers.err(error) as { command?: { name?: unknown } };
  return command === undefined ? rest : { ...rest, command: command.name };
}

export function loggerOptions({ logLevel }: Pick<Config, "logLevel">, service: string): LoggerOptions {
  return {
    level: logLevel,
    base: { service },
    timestamp: pino.stdTimeFunctions.isoTime,
    serializers: { err: serializeError },
    redact: { paths: SECRETS, censor: "[redacted]" },
  };
}

/** Logs JSON lines to stdout, or readable lines in a terminal outside production. */
export function createLogger(config: Pick<Config, "environment" | "logLevel">, service: string): Logger {
  const options = loggerOptions(config, service);
  const terminal = process.stdout.isTTY && config.environment !== "production";
  // Without minLength, flush() does not wait for a write in progress, and the last lines of a process are lost.
  if (!terminal) return pino(options, pino.destination({ fd: 1, sync: false, minLength: 1 }));
  return pino(options, pretty({ ignore: "pid,hostname,service", messageFormat: "{service}: {msg}" }));
}

/** Exits when the last log lines are written. */
export function exitAfterLogging(logger: Logger, code: number): void {
  logger.flush(() => process.exit(code));
}
