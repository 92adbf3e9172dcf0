import { once } from "node:events";
import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";

import { until } from "../until.ts";

export interface Received {
  headers: IncomingHttpHeaders;
  body: string;
}

/** A server that receives webhooks. The test may change what it answers at any time. */
export class WebhookReceiver {
  readonly received: Received[] = [];
  answer: (message: Received) => number | Promise<number> = () => 204;
  private constructor(private readonly server: Server) {}

  static async start(port = 0): Promise<WebhookReceiver> {
    const server = createServer(async (request, response) => {
      const message = { headers: request.headers, body: await text(request) };
      receiver.received.push(message);
      const status = await receiver.answer(message);
      response.writeHead(status, status === 302 ? { location: "http://localhost/" } : {}).end();
    });
    const receiver = new WebhookReceiver(server);
    server.listen(port, "127.0.0.1");
    await once(server, "listening");
    return receiver;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }
  get url(): string {
    return `http://127.0.0.1:${this.port}/hook?for=tests`;
  }

  /** The events received, as soon as there are `count` of them. */
  async events(
    count: number,
    ms = 60_000,
  ): Promise<{ type: string; data: { id: string; status: string } }[]> {
    await until(() => this.received.length >= count, ms);
    return this.received.map(({ body }) => JSON.parse(body));
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, "close");
  }
}
