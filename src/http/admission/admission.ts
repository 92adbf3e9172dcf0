import type { FastifyReply, FastifyRequest } from "fastify";
import { ProblemError } from "../../contract/problems.ts";
import { QueueFullError, QuotaExceededError } from "../../jobs/job-queue.ts";
import { FreeSpace } from "../../storage/free-space.ts";
import type { App, Dependencies } from "../dependencies.ts";
import { idempotencyKey } from "../submission/idempotency.ts";
import { SharedGate } from "./gate.ts";

declare module "fastify" {
  interface FastifyInstance {
    admission: Admission;
  }
}

/** What is let in at once: the rest is refused before anything is read, with a time to come again. */
export interface Admission {
  /** A hook for a route that takes pictures. */
  upload(request: FastifyRequest, reply: FastifyReply): Promise<void>;
  /** Ends an upload before its answer is given, which may be held back. */
  uploaded(request: FastifyRequest): void;
  /** Lets one more client follow a job; null where there are too many. Gives what must be called at the end. */
  follow(request: FastifyRequest): (() => void) | null;
  /** As `follow`. Throws a `ProblemError`. */
  stream(request: FastifyRequest): () => void;
}

/** Gives the app its `admission`. */
export function limitAdmission(app: App, dependencies: Dependencies): void {
  app.decorate("admission", admission(dependencies));
}

function admission({ config, queue, idempotency }: Dependencies): Admission {
  const { limits } = config;
  const uploads = new SharedGate(limits.uploads);
  // A form goes to the disk as it comes; a JSON body is held in memory.
  const jsonBytes = new SharedGate(Math.max(limits.jsonBytesAtOnce, limits.jsonBytes), limits.jsonBytes);
  const followers = new SharedGate(limits.streams);
  const folders = config.storage.type === "filesystem" ? [config.storage.directory] : [];
  const space = new FreeSpace([config.spoolDirectory, ...folders], limits.freeBytes);
  const open = new WeakMap<FastifyRequest, () => void>();

  /** A request that was accepted before is answered again, also where no new one would be taken. */
  const isKnown = async (key: string | null): Promise<boolean> =>
    key !== null && (await idempotency.isKnown(key));

  return {
    async upload(request, reply) {
      const key = idempotencyKey(request); // refused here where it is malformed
      const leaves = [
        uploads.enter(ownerOf(request)),
        isJson(request) ? jsonBytes.enter(ownerOf(request), sizeOf(request, limits.jsonBytes)) : noop,
      ];
      const leave = () => {
        for (const one of leaves) one?.();
      };
      reply.raw.once("close", leave);
      if (leaves.includes(null)) {
        leave();
        const detail = `As many requests bring pictures as are allowed (${limits.uploads} at once, half of them one owner's)`;
        throw new ProblemError("too_many_uploads", detail, { retryAfter: 1 });
      }
      open.set(request, leave);
      try {
        await queue.checkLimits(request.caller.owner);
      } catch (error) {
        const full = error instanceof QueueFullError || error instanceof QuotaExceededError;
        if (!full || !(await isKnown(key))) throw error;
      }
      await space.check();
    },
    uploaded(request) {
      open.get(request)?.();
    },
    follow: (request) => followers.enter(ownerOf(request)),
    stream(request) {
      const leave = followers.enter(ownerOf(request));
      if (leave) return leave;
      const detail = `As many clients follow jobs as are allowed (${limits.streams} at once, half of them one owner's)`;
      throw new ProblemError("too_many_streams", detail, { retryAfter: 5 });
    },
  };
}

/** null without a key: whoever comes to an open service is of one owner. */
const ownerOf = ({ caller }: FastifyRequest) => (caller.key === null ? null : caller.owner);

const noop = () => undefined;

function isJson({ headers }: FastifyRequest): boolean {
  return headers["content-type"]?.startsWith("application/json") ?? false;
}

/** Bytes that a body may have: without a length it may be as large as is allowed. */
function sizeOf({ headers }: FastifyRequest, limit: number): number {
  const length = Number(headers["content-length"] ?? limit);
  return Number.isFinite(length) ? Math.min(Math.max(length, 0), limit) : limit;
}
