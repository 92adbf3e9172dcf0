import { connect, createServer, type Server, type Socket } from "node:net";

/** A proxy to a server on a unix socket that drops one response: the server did the work, and the client never learns. */
export class CuttingProxy {
  /** How often the proxy has cut the connection. */
  cuts = 0;
  private readonly open = new Set<Socket>();

  private constructor(private readonly server: Server) {}

  /** @param isLast whether to drop the response to these bytes of a client; the proxy does so once */
  static async start(target: string, path: string, isLast: (sent: string) => boolean): Promise<CuttingProxy> {
    const server = createServer();
    const proxy = new CuttingProxy(server);
    server.on("connection", (client) => {
      const upstream = connect(target);
      let cutsNext = false;
      client.on("data", (bytes) => {
        cutsNext ||= proxy.cuts === 0 && isLast(bytes.toString("latin1"));
        upstream.write(bytes);
      });
      upstream.on("data", (bytes) => {
        if (!cutsNext) {
          client.write(bytes);
          return;
        }
        proxy.cuts += 1;
        client.destroy();
        upstream.destroy();
      });
      for (const [one, other] of [
        [client, upstream],
        [upstream, client],
      ] as const) {
        proxy.open.add(one);
        one.on("error", () => undefined);
        one.on("close", () => {
          proxy.open.delete(one);
          other.destroy();
        });
      }
    });
    await new Promise<void>((resolve) => server.listen(path, resolve));
    return proxy;
  }

  async close(): Promise<void> {
    for (const socket of this.open) socket.destroy();
    await new Promise((resolve) => this.server.close(resolve));
  }
}
