import { createWriteStream } from "node:fs";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import type { FastifyReply } from "fastify";
import type { Config } from "../../config.ts";
import { ProblemError } from "../../contract/problems.ts";
import { derivedFolder } from "../../jobs/records/job-blobs.ts";
import type { JobRecord } from "../../jobs/records/job-record.ts";
import type { Tasks } from "../../pictures/process/messages.ts";
import type { PicturePool } from "../../pictures/process/picture-pool.ts";
import type { BlobInfo, BlobStore } from "../../storage/blob-store.ts";
import { ConcurrencyLimiter } from "../concurrency-limiter.ts";

/** How many of a job's derived pictures are kept: the oldest makes room for a new one. */
const KEPT_PER_JOB = 4;
/** Conversions that run or wait in one API process. An owner may have half of them. */
const MAX_CONVERSIONS = 16;

/** How to create a picture from others of the job. */
export interface Derivation {
  /** Unique among the job's derived pictures. */
  name: string;
  /** Keys of the blobs that it is made from. */
  sources: readonly string[];
  /** Converts the only source, or joins all of them to an animation. */
  output: Tasks["convert"]["input"]["encoding"] | "animation";
}

interface Conversion {
  stored: Promise<unknown>;
  clients: number;
  cancel: AbortController;
}

/**
 * Pictures that are created from a job's pictures on request, and then stored with them. Clients that want the same one wait for
 * the same conversion, which is cancelled if all of them have left.
 */
export class DerivedPictures {
  private readonly running = new Map<string, Conversion>();
  private readonly limiter = new ConcurrencyLimiter(MAX_CONVERSIONS);

  constructor(
    private readonly store: BlobStore,
    private readonly pool: PicturePool,
    private readonly config: Pick<Config, "spoolDirectory">,
  ) {}

  /** Returns the key of a picture, which is created if it does not exist yet. Throws a `ProblemError` at the limit. */
  async getOrCreate(record: JobRecord, derivation: Derivation, reply: FastifyReply): Promise<string> {
    const key = `${derivedFolder(record.id)}${derivation.name}`;
    if (await this.store.stat(key)) return key;
    const conversion = this.running.get(key) ?? this.start(key, record, derivation);
    conversion.clients += 1;
    const leave = () => {
      conversion.clients -= 1;
      if (conversion.clients > 0) return;
      // Whoever asks from now on gets a new conversion.
      if (this.running.get(key) === conversion) this.running.delete(key);
      conversion.cancel.abort(new Error("every client has left"));
    };
    reply.raw.once("close", leave);
    if (reply.raw.destroyed) leave();
    try {
      await conversion.stored;
    } finally {
      reply.raw.off("close", leave);
    }
    return key;
  }

  private start(key: string, record: JobRecord, derivation: Derivation): Conversion {
    const finished = new AbortController();
    const release = this.limiter.acquire(record.owner, finished.signal);
    if (release === null) {
      const detail = `The limit of ${MAX_CONVERSIONS} conversions at once (half of them for one owner) is reached`;
      throw new ProblemError("too_many_conversions", detail, { retryAfter: 5 });
    }
    const cancel = new AbortController();
    const stored = this.create(key, record, derivation, cancel.signal).finally(() => {
      finished.abort();
      if (this.running.get(key) === conversion) this.running.delete(key);
    });
    const conversion: Conversion = { stored, clients: 0, cancel };
    this.running.set(key, conversion);
    return conversion;
  }

  private async create(
    key: string,
    { id, owner, result }: JobRecord,
    { sources, output }: Derivation,
    signal: AbortSignal,
  ): Promise<void> {
    await mkdir(this.config.spoolDirectory, { recursive: true });
    // Named like the folder of an upload, so that maintenance removes what a crash leaves.
    const folder = await mkdtemp(join(this.config.spoolDirectory, "request-"));
    try {
      const paths = sources.map((_, index) => join(folder, String(index)));
      for (const [index, source] of sources.entries()) {
        const { stream } = await this.store.get(source);
        await pipeline(stream, createWriteStream(paths[index] ?? ""), { signal });
      }
      const target = join(folder, "target");
      const context = { owner, pixels: (result?.width ?? 0) * (result?.height ?? 0), signal };
      if (output === "animation") await this.pool.run("join", { frames: paths, target }, context);
      else await this.pool.run("convert", { source: paths[0] ?? "", target, encoding: output }, context);
      await this.makeRoom(id);
      await this.store.putFile(key, target);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  private async makeRoom(jobId: string): Promise<void> {
    const kept: BlobInfo[] = [];
    for await (const info of this.store.list(derivedFolder(jobId))) kept.push(info);
    kept.sort((a, b) => b.modifiedAt.getTime() - a.modifiedAt.getTime());
    for (const { key } of kept.slice(KEPT_PER_JOB - 1)) await this.store.delete(key);
  }
}
