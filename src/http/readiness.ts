import { LRUCache } from "lru-cache";
import { z } from "zod";
import { servesLocalClientsOnly } from "../auth/anonymous-access.ts";
import { type EngineDescription, engineSchema } from "../contract/engine-description.ts";
import type { JobQueue } from "../jobs/job-queue.ts";
import type { WorkerDescription } from "../jobs/scheduling/worker-registry.ts";
import { describeRedisError, isRedisUnavailable } from "../redis/errors.ts";
import { SpaceReservation } from "../storage/free-space.ts";
import type { Dependencies } from "./dependencies.ts";
import { Spool } from "./submission/spool.ts";
import { redactPaths } from "./views/redact-paths.ts";

const checkSchema = z.object({
  ok: z.boolean(),
  reason: z.string().nullable().describe("What is wrong; null if nothing is."),
});
type Check = z.infer<typeof checkSchema>;

const capacitySchema = checkSchema.extend({
  largest_size: z.int().nullable().describe("The longest edge that a live worker can paint, in pixels."),
});

export const readinessSchema = z
  .object({
    status: z.enum(["ready", "not_ready"]),
    checks: z.object({
      redis: checkSchema,
      store: checkSchema,
      workers: checkSchema.describe("Whether a worker is alive."),
      engine: checkSchema.describe(
        "Whether a worker's engine can paint: TensorFlow runs, and VGG-19's weights are installed.",
      ),
    }),
    capacity: capacitySchema.describe(
      "Whether a live worker can paint every queued job. Larger jobs wait for a larger worker; the service is ready all the same.",
    ),
    engines: z.array(engineSchema).describe("The engines of all workers that can paint."),
  })
  .meta({ id: "Readiness" });
type Readiness = z.infer<typeof readinessSchema>;

const PASSED: Check = { ok: true, reason: null };
const failed = (reason: string): Check => ({ ok: false, reason });
const UNKNOWN = failed("unknown: Redis cannot be reached");

/** How long a result counts. Whoever calls `/readyz` needs no key, and each check writes to Redis and to the disk. */
const TTL_MS = 2_000;

/** Returns a function that checks whether jobs can be accepted and painted. Calls at the same time share one check. */
export function createReadinessCheck(dependencies: Dependencies): () => Promise<Readiness> {
  const cache = new LRUCache<"readiness", Readiness>({
    max: 1,
    ttl: TTL_MS,
    fetchMethod: () => checkReadiness(dependencies),
  });
  return () => cache.forceFetch("readiness");
}

async function checkReadiness({ config, queue, store }: Dependencies): Promise<Readiness> {
  const [redis, storage, living] = await Promise.all([
    check("Redis cannot be reached", () => queue.ping()),
    check("pictures cannot be stored", async () => {
      await Promise.all([store.ping(), checkSpool(config)]);
    }),
    queue.statistics.workers().catch(() => null),
  ]);
  const { workers, engine, engines } = checkWorkers(living, servesLocalClientsOnly(config));
  const capacity = await checkCapacity(queue, living, config.limits.size);
  const checks = { redis, store: storage, workers, engine };
  const isReady = Object.values(checks).every(({ ok }) => ok);
  return { status: isReady ? "ready" : "not_ready", checks, capacity, engines };
}

/** Writes a block as an upload is written: the spool may be on another disk than the store. */
async function checkSpool({ spoolDirectory }: Dependencies["config"]): Promise<void> {
  const block = new Uint8Array(4096);
  const spool = await Spool.open(
    spoolDirectory,
    { pictureBytes: block.length, requestBytes: block.length },
    new SpaceReservation(block.length, async () => undefined),
  );
  try {
    await spool.write("probe", [block]);
  } finally {
    await spool.close();
  }
}

/** The error itself may contain internal details, so the response has the fixed `reason`. */
async function check(reason: string, action: () => Promise<void>): Promise<Check> {
  return await action().then(
    () => PASSED,
    (error: unknown) => failed(isRedisUnavailable(error) ? describeRedisError(error) : reason),
  );
}

/** @param showPaths whether reasons may contain paths of this machine */
function checkWorkers(
  workers: WorkerDescription[] | null,
  showPaths: boolean,
): { workers: Check; engine: Check; engines: EngineDescription[] } {
  if (workers === null) return { workers: UNKNOWN, engine: UNKNOWN, engines: [] };
  if (workers.length === 0) {
    const none = failed("no worker is alive");
    return { workers: none, engine: none, engines: [] };
  }
  const engines = workers.flatMap(({ ready, engine }) => (ready && engine ? [engine] : []));
  if (workers.some(({ ready }) => ready)) return { workers: PASSED, engine: PASSED, engines };
  const reasons = workers.map(({ reason }) => {
    if (!reason) return "a worker is starting";
    return `${reason.code}: ${showPaths ? reason.message : redactPaths(reason.message)}`;
  });
  return { workers: PASSED, engine: failed([...new Set(reasons)].join("; ")), engines };
}

async function checkCapacity(
  queue: JobQueue,
  workers: WorkerDescription[] | null,
  maxSize: number,
): Promise<Readiness["capacity"]> {
  const unknown = { ...UNKNOWN, largest_size: null };
  if (workers === null) return unknown;
  const ready = workers.filter((worker) => worker.ready);
  if (ready.length === 0) return { ...PASSED, largest_size: null };
  const largest_size = Math.max(...ready.map((worker) => worker.largest_size));
  if (largest_size >= maxSize) return { ...PASSED, largest_size };
  const oversized = await queue.statistics.countOversized(largest_size).catch(() => null);
  if (oversized === null) return unknown;
  const { count, largestSize } = oversized;
  if (count === 0) return { ...PASSED, largest_size };
  const reason = `${count} queued jobs of up to ${largestSize} px are too large for every live worker (at most ${largest_size} px)`;
  return { ...failed(reason), largest_size };
}
