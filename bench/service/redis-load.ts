import type { Redis } from "ioredis";

/** What a Redis server has done since its start. */
export interface Load {
  commands: number;
  /** Over the network, both ways. */
  bytes: number;
  /** Of its main thread, which runs every command. */
  cpuSeconds: number;
}

export async function readLoad(redis: Redis): Promise<Load> {
  const info = `${await redis.info("stats")}${await redis.info("cpu")}`;
  const value = (name: string) => Number(new RegExp(`^${name}:([\\d.]+)`, "m").exec(info)?.[1] ?? 0);
  return {
    commands: value("total_commands_processed"),
    bytes: value("total_net_input_bytes") + value("total_net_output_bytes"),
    cpuSeconds: value("used_cpu_user_main_thread") + value("used_cpu_sys_main_thread"),
  };
}

export function since(before: Load, now: Load): Load {
  return {
    commands: now.commands - before.commands,
    bytes: now.bytes - before.bytes,
    cpuSeconds: now.cpuSeconds - before.cpuSeconds,
  };
}
