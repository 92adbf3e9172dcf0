import type { Redis } from "ioredis";
import { ConfigError } from "../config.ts";
import type { Logger } from "../logging.ts";

/**
 * Throws a `ConfigError` where the server lets nobody in by this URL, or may lose jobs, and warns of what else is wrong.
 * Rejects while it cannot be reached.
 */
export async function checkServer(redis: Redis, logger: Logger): Promise<void> {
  const findings = await Promise.race([inspectServer(redis), refused(redis)]).catch((error: Error) => {
    throw isRefusal(error) ? refusal(error) : error;
  });
  for (const { severity, message } of findings) {
    if (severity === "refuse") throw new ConfigError(`REDIS_URL: ${message}`);
    logger.warn(message);
  }
}

/** Rejects with a `ConfigError` when the server refuses the connection's user or password; else it stays open. */
export function refused(redis: Redis): Promise<never> {
  return new Promise((_, reject) => {
    redis.on("error", (error: Error) => {
      if (isRefusal(error)) reject(refusal(error));
    });
  });
}

/** Whether an error says that Redis does not take the connection's user or password. */
export const isRefusal = ({ message }: Error) => /^(WRONGPASS|NOAUTH|NOPERM)\b/.test(message);

const refusal = ({ message }: Error) =>
  new ConfigError(
    `REDIS_URL: expected a user and password that Redis takes, received its refusal: ${message}`,
  );

/** What is wrong with the server's settings for a queue from which nothing may get lost. */
interface Finding {
  severity: "refuse" | "warn";
  message: string;
}

/** Reads the server's settings. Throws while it cannot be reached. */
export async function inspectServer(redis: Redis): Promise<Finding[]> {
  const info = await redis.info();
  const setting = (name: string) => new RegExp(`^${name}:(.*?)\\r?$`, "m").exec(info)?.[1];
  const findings: Finding[] = [];
  const [major = 0, minor = 0] = (setting("redis_version") ?? "").split(".").map(Number);
  if (major < 6 || (major === 6 && minor < 2)) {
    findings.push({
      severity: "refuse",
      message: `Redis 6.2 or later is needed; this is ${setting("redis_version")}`,
    });
  }
  const policy = setting("maxmemory_policy");
  if (policy !== "noeviction") {
    findings.push({
      severity: "refuse",
      message: `maxmemory-policy must be noeviction, or Redis drops jobs when its memory is full; it is ${policy}`,
    });
  }
  if (setting("aof_enabled") !== "1") {
    findings.push({
      severity: "warn",
      message: "appendonly is off: jobs accepted since the last snapshot are lost when Redis dies",
    });
  }
  return findings;
}
