import { z } from "zod";
import { type EngineDescription, engineSchema } from "../../contract/engine.ts";
import { describeRedisError, isRedisUnavailable } from "../../redis/errors.ts";
import type { App, Dependencies } from "../dependencies.ts";
import { isLocal } from "../open-mode.ts";
import { withoutPaths } from "../views/without-paths.ts";

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
    capacity: z
      .object({
        ok: z.boolean(),
        reason: z.string().nullable(),
        largest_size: z.int().nullable().describe("Longest edge that a living worker takes, in pixels."),
      })
      .describe(
        "Whether a living worker takes every queued job. Where none does, these wait for one, and all others go on: the service is ready.",
      ),
    engines: z.array(engineSchema).describe("Of every worker that can paint: what it computes on."),
  })
  .meta({ id: "Readiness" });

type Capacity = z.infer<typeof readySchema>["capacity"];

/** /livez: this process answers. /readyz: jobs can be taken and will be painted. */
export function healthRoutes(app: App, { config, queue, store }: Dependencies): void {
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

  /** In full to who uses the service on their own machine; strangers need not know where its files lie. */
  const tell = ({ code, message }: { code: string; message: string }): string =>
    `${code}: ${isLocal(config) ? message : withoutPaths(message)}`;

  const checkCapacity = async (): Promise<Capacity> => {
    const ready = (await queue.statistics.workers()).filter((worker) => worker.ready);
    if (ready.length === 0) return { ...passed, largest_size: null };
    const largest_size = Math.max(...ready.map((worker) => worker.largest_size));
    if (largest_size >= config.limits.size) return { ...passed, largest_size };
    const { count, largestSize } = await queue.statistics.unfitJobs(ready);
    if (count === 0) return { ...passed, largest_size };
    const reason = `${count} queued jobs, of up to ${largestSize} px, fit no living worker; the largest takes ${largest_size} px`;
    return { ...failed(reason), largest_size };
  };

  const checkWorkers = async (): Promise<{ workers: Check; engine: Check; engines: EngineDescription[] }> => {
    const workers = await queue.statistics.workers();
    if (workers.length === 0) {
      const reason = "no worker was seen lately";
      return { workers: failed(reason), engine: failed(reason), engines: [] };
    }
    const engines = workers.flatMap(({ ready, engine }) => (ready && engine ? [engine] : []));
    if (workers.some(({ ready }) => ready)) return { workers: passed, engine: passed, engines };
    const reasons = workers.map(({ reason }) => (reason ? tell(reason) : "it is starting"));
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
      const [redis, storage, { workers, engine, engines }, capacity] = await Promise.all([
        check("Redis cannot be reached", () => queue.ping()),
        check("pictures cannot be stored", () => store.ping()),
        checkWorkers().catch(() => {
          const unknown = failed("unknown: Redis cannot be reached");
          return { workers: unknown, engine: unknown, engines: [] };
        }),
        checkCapacity().catch(() => ({ ...failed("unknown: Redis cannot be reached"), largest_size: null })),
      ]);
      const checks = { redis, store: storage, workers, engine };
      const ready = Object.values(checks).every(({ ok }) => ok);
      reply.header("cache-control", "no-store");
      return reply
        .code(ready ? 200 : 503)
        .send({ status: ready ? "ready" : "unready", checks, capacity, engines });
    },
  );
}

const passed: Check = { ok: true, reason: null };
const failed = (reason: string): Check => ({ ok: false, reason });

/** `reason` is for strangers: what exactly went wrong is no business of theirs. */
async function check(reason: string, action: () => Promise<void>): Promise<Check> {
  return await action().then(
    () => passed,
    (error: unknown) => failed(isRedisUnavailable(error) ? describeRedisError(error) : reason),
  );
}
