import { connect } from "node:net";

/** Whether a Redis at a unix socket answers PING. It does not while it loads its file. */
export function pingRedis(socketPath: string, timeoutMs = 1_000): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(socketPath, () => socket.write("PING\r\n"));
    const end = (alive: boolean) => {
      socket.destroy();
      resolve(alive);
    };
    socket.setTimeout(timeoutMs, () => end(false));
    socket.on("error", () => end(false));
    socket.on("data", (reply) => end(reply.toString("latin1").startsWith("+PONG")));
    socket.on("close", () => end(false));
  });
}
