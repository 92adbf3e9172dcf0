import type { Redis } from "ioredis";

/** What a Redis server has done since it started. */
export interface RedisLoad {
  commands: number;
  /** Network traffic in both directions. */
  bytes: number;
  /** CPU time of the main thread, which runs all commands. */
  cpuSeconds: number;
}

export async function readLoad(redis: Redis): Promise<RedisLoad> {
  const info = `${await redis.info("stats")}${await redis.info("cpu")}`;
  const value = (name: string) => Number(new RegExp(`^${name}:([\\d.]+)`, "m").exec(info)?.[1] ?? 0);
  return {
    commands: value("total_commands_processed"),
    bytes: value("total_net_input_bytes") + value("total_net_output_bytes"),
    cpuSeconds: value("used_cpu_user_main_thread") + value("used_cpu_sys_main_thread"),
  };
}

export function subtractLoad(after: RedisLoad, before: RedisLoad): RedisLoad {
  return {
    commands: after.commands - before.commands,
    bytes: after.bytes - before.bytes,
    cpuSeconds: after.cpuSeconds - before.cpuSeconds,
  };
}
