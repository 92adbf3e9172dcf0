import fp from "fastify-plugin";
import type { ApiPlugin } from "../dependencies.ts";

declare module "fastify" {
  interface FastifyInstance {
    /** Aborted when the app begins to close: long responses end now. */
    shutdownSignal: AbortSignal;
  }
}

/** Closes the connection with each response during a shutdown: idle keep-alive connections would delay its end. */
const shutdown: ApiPlugin = async (app) => {
  const controller = new AbortController();
  app.decorate("shutdownSignal", controller.signal);
  app.addHook("preClose", async () => {
    controller.abort();
  });
  app.addHook("onSend", (_request, reply, _payload, done) => {
    if (controller.signal.aborted) reply.header("connection", "close");
    done();
  });
};

export default fp(shutdown, { name: "shutdown" });
