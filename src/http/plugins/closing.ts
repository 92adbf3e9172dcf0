import type { App } from "../dependencies.ts";

declare module "fastify" {
  interface FastifyInstance {
    /** Aborted when the app begins to close: whoever holds an answer back gives it now. */
    closing: AbortSignal;
  }
}

/**
 * While the app closes, answers to requests that were already open also close their connections: kept alive,
 * they would hold up the end until they time out.
 */
export function closeConnections(app: App): void {
  const closing = new AbortController();
  app.decorate("closing", closing.signal);
  app.addHook("preClose", async () => {
    closing.abort();
  });
  app.addHook("onSend", (_request, reply, _payload, done) => {
    if (closing.signal.aborted) reply.header("connection", "close");
    done();
  });
}
