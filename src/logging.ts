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

/** JSON lines on stdout; in a terminal outside production, lines for people. */
export function createLogger(config: Pick<Config, "environment" | "logLevel">, service: string): Logger {
  const options = {
    level: config.logLevel,
    base: { service },
    timestamp: pino.stdTimeFunctions.isoTime,
    redact: { paths: SECRETS, censor: "[redacted]" },
  };
  const terminal = process.stdout.isTTY && config.environment !== "production";
  if (!terminal) return pino(options);
  return pino(options, pretty({ ignore: "pid,hostname,service", messageFormat: "{service}: {msg}" }));
}
