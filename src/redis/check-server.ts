import type { Redis } from "ioredis";
import { ConfigError } from "../config.ts";
import type { Logger } from "../logging.ts";

/**
 * Throws a `ConfigError` if the server rejects the credentials or may lose jobs, and logs what else is wrong. Rejects if the
 * server cannot be reached.
 */
export async function checkServer(redis: Redis, logger: Logger): Promise<void> {
  const findings = await Promise.race([inspectServer(redis), rejectOnAuthError(redis)]).catch((error) => {
    throw isAuthError(error) ? authConfigError(error) : error;
  });
  for (const { severity, message } of findings) {
    if (severity === "fatal") throw new ConfigError(`REDIS_URL: ${message}`);
    logger.warn(message);
  }
}

/** Rejects with a `ConfigError` when the server rejects the connection's user or password; until then it is pending. */
export function rejectOnAuthError(redis: Redis): Promise<never> {
  return new Promise((_, reject) => {
    redis.on("error", (error: Error) => {
      if (isAuthError(error)) reject(authConfigError(error));
    });
  });
}

/** Whether an error says that Redis rejects the connection's user or password. */
export const isAuthError = ({ message }: Error) => /^(WRONGPASS|NOAUTH|NOPERM)\b/.test(message);

function authConfigError({ message }: Error): ConfigError {
  const rejected = message.startsWith("NOPERM")
    ? "the Redis user needs permission for all commands, scripts included (ACL +@all)"
    : "Redis rejects the user or password";
  return new ConfigError(`REDIS_URL: ${rejected}: ${message}`);
}

/** What is wrong with the server's settings, for a queue that must not lose jobs. */
interface Finding {
  severity: "fatal" | "warning";
  message: string;
}

/** Rejects if the server cannot be reached. */
export async function inspectServer(redis: Redis): Promise<Finding[]> {
  const info = await redis.info();
  // Every change of a job is a script.
  await redis.eval("return 1", 0);
  const setting = (name: string) => new RegExp(`^${name}:(.*?)\\r?$`, "m").exec(info)?.[1];
  const findings: Finding[] = [];
  const [major = 0, minor = 0] = (setting("redis_version") ?? "").split(".").map(Number);
  if (major < 6 || (major === 6 && minor < 2)) {
    findings.push({
      severity: "fatal",
      message: `Redis 6.2 or later is required; this is ${setting("redis_version")}`,
    });
  }
  const policy = setting("maxmemory_policy");
  if (policy !== "noeviction") {
    findings.push({
      severity: "fatal",
      message: `maxmemory-policy must be noeviction, or Redis drops jobs when its memory is full; it is ${policy}`,
    });
  }
  if (setting("aof_enabled") !== "1") {
    findings.push({
      severity: "warning",
      message: "appendonly is off: if Redis dies, jobs accepted since its last snapshot are lost",
    });
  }
  return findings;
}
