import type { App } from "../dependencies.ts";

/**
 * While the app closes, answers to requests that were already open also close their connections: kept alive,
 * they would hold up the end until they time out.
 */
export function closeConnections(app: App): void {
  let closing = false;
  app.addHook("preClose", async () => {
    closing = true;
  });
  app.addHook("onSend", async (_request, reply) => {
    if (closing) reply.header("connection", "close");
  });
}
