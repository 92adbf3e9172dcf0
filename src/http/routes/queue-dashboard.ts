import { createBullBoard } from "@bull-board/api";
import { FastifyAdapter } from "@bull-board/fastify";
import type { App, Dependencies } from "../dependencies.ts";

const PATH = "/admin/queue";

/** GET /admin/queue: bull-board over the dispatch, read-only, for holders of the scope admin. */
export async function queueDashboardRoutes(app: App, { queue }: Dependencies): Promise<void> {
  const serverAdapter = new FastifyAdapter();
  serverAdapter.setBasePath(PATH);
  createBullBoard({
    queues: [queue.bullBoard],
    serverAdapter,
    options: { uiConfig: { boardTitle: "nst: dispatch", hideRedisDetails: true } },
  });
  // Refusals are answered as everywhere: what its handler throws goes to ours.
  serverAdapter.setErrorHandler((error) => {
    throw error;
  });
  app.decorate("everyRoute", { scope: "admin", basic: true, page: true });
  await app.register(serverAdapter.registerPlugin(), { prefix: PATH });
}
