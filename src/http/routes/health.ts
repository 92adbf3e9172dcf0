import { z } from "zod";
import { type EngineDescription, engineSchema } from "../../contract/engine.ts";
import type { App, Dependencies } from "../dependencies.ts";

const checkSchema = z.object({ ok: z.boolean(), reason: z.string().nullable() });
type Check = z.infer<typeof checkSchema>;

const readySchema = z
  .object({
    status: z.enum(["ready", "unready"]),
    checks: z.object({
      redis: checkSchema,
      store: checkSchema,
      workers: checkSchema.describe("Whether a worker was seen lately."),
      engine: checkSchema.describe(
        "Whether a worker's engine can paint: VGG-19's weights are there, and TensorFlow runs.",
      ),
    }),
    engines: z.array(engineSchema).describe("Of every worker that can paint: what it computes on."),
  })
  .meta({ id: "Readiness" });

/** /livez: this process answers. /readyz: jobs can be taken and will be painted. */
export function healthRoutes(app: App, { queue, store }: Dependencies): void {
  app.get(
    "/livez",
    {
      config: { scope: "public" },
      schema: {
        operationId: "live",
        summary: "Says that the process is alive; asks nobody else",
        tags: ["health"],
        response: { 200: z.object({ status: z.literal("alive") }) },
      },
    },
    async () => ({ status: "alive" as const }),
  );

  const checkWorkers = async (): Promise<{ workers: Check; engine: Check; engines: EngineDescription[] }> => {
    const workers = await queue.workers();
    if (workers.length === 0) {
      const reason = "no worker was seen lately";
      return { workers: failed(reason), engine: failed(reason), engines: [] };
    }
    const engines = workers.flatMap(({ ready, engine }) => (ready && engine ? [engine] : []));
    if (workers.some(({ ready }) => ready)) return { workers: passed, engine: passed, engines };
    const reasons = workers.map(({ reason }) =>
      reason ? `${reason.code}: ${reason.message}` : "it is starting",
    );
    return { workers: passed, engine: failed([...new Set(reasons)].join("; ")), engines };
  };

  app.get(
    "/readyz",
    {
      config: { scope: "public" },
      schema: {
        operationId: "ready",
        summary: "Says whether jobs can be taken and painted, and what is missing",
        tags: ["health"],
        response: { 200: readySchema, 503: readySchema },
      },
    },
    async (_request, reply) => {
      const [redis, storage, { workers, engine, engines }] = await Promise.all([
        check("Redis cannot be reached", () => queue.ping()),
        check("pictures cannot be stored", () => store.ping()),
        checkWorkers().catch(() => {
          const unknown = failed("unknown: Redis cannot be reached");
          return { workers: unknown, engine: unknown, engines: [] };
        }),
      ]);
      const checks = { redis, store: storage, workers, engine };
      const ready = Object.values(checks).every(({ ok }) => ok);
      reply.header("cache-control", "no-store");
      return reply.code(ready ? 200 : 503).send({ status: ready ? "ready" : "unready", checks, engines });
    },
  );
}

const passed: Check = { ok: true, reason: null };
const failed = (reason: string): Check => ({ ok: false, reason });

/** `reason` is for strangers: what exactly went wrong is no business of theirs. */
async function check(reason: string, action: () => Promise<void>): Promise<Check> {
  return await action().then(
    () => passed,
    () => failed(reason),
  );
}
