import { createBullBoard } from "@bull-board/api";
import { FastifyAdapter } from "@bull-board/fastify";
import type { ApiPlugin } from "../../dependencies.ts";

const BASE_PATH = "/admin/queue";

/** GET /admin/queue: bull-board, read-only, for keys with the scope admin. */
const queueDashboard: ApiPlugin = async (app, { queue }) => {
  const serverAdapter = new FastifyAdapter();
  serverAdapter.setBasePath(BASE_PATH);
  createBullBoard({
    queues: [queue.bullBoard],
    serverAdapter,
    options: { uiConfig: { boardTitle: "nst: job queue", hideRedisDetails: true } },
  });
  // Passes errors on to the API's error handler.
  serverAdapter.setErrorHandler((error) => {
    throw error;
  });
  app.decorate("routeDefaults", { scope: "admin", basicAuth: true, page: true });
  await app.register(serverAdapter.registerPlugin(), { prefix: "/queue" });
};

export default queueDashboard;
