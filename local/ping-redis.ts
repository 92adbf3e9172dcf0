import { connect } from "node:net";

import type { RedisAddress } from "./redis-address.ts";

/** Whether a Redis at a unix socket answers PING. It does not while it loads its file. */
export function pingRedis({ socket: path, password }: RedisAddress, timeoutMs = 1_000): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path, () => socket.write(`AUTH ${password}\r\nPING\r\n`));
    let replies = "";
    const end = (alive: boolean) => {
      socket.destroy();
      resolve(alive);
    };
    socket.setTimeout(timeoutMs, () => end(false));
    socket.on("error", () => end(false));
    socket.on("data", (bytes) => {
      replies += bytes.toString("latin1");
      if (replies.split("\r\n").length > 2) end(replies === "+OK\r\n+PONG\r\n");
    });
    socket.on("close", () => end(false));
  });
}
