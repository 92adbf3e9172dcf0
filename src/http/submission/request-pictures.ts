import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { pipeline } from "node:stream/promises";
import { v4 as uuidv4, v7 as uuidv7 } from "uuid";
import { deleteUnusedPictures } from "../../jobs/pictures/delete-blobs.ts";
import type { PictureFacts, StoredUpload } from "../../jobs/pictures/stored-picture.ts";
import { PICTURES_FOLDER } from "../../jobs/records/picture-arguments.ts";
import { checkHeader, type Frame } from "../../pictures/check-header.ts";
import { PictureProblem } from "../../pictures/picture-problem.ts";
import { validatePicture } from "../../pictures/validate-picture.ts";
import type { Dependencies } from "../dependencies.ts";

/** A picture of the request: the path of its file, which is valid. */
export interface ValidatedPicture {
  digest: string;
  path: string;
  facts: PictureFacts;
  /** The key of its blob, if the owner has stored the same picture before. */
  key: string | null;
}

/**
 * The pictures of one request. Each is decoded and stored once, however often the request or an earlier one of this owner has
 * it. They are held until `release`; until then jobs can be created that use them.
 */
export class RequestPictures {
  private readonly validated = new Map<string, Promise<ValidatedPicture>>();
  private readonly stored = new Map<string, Promise<StoredUpload>>();
  private readonly held = new Set<string>();

  /** Of its own: a repeated request has the same id as the first, which may still run. */
  private readonly requestId = uuidv7();

  constructor(
    private readonly deps: Pick<Dependencies, "config" | "picturePool" | "queue" | "store">,
    private readonly owner: string,
  ) {}

  /** Throws a `ProblemError` for `name` if the file is no picture that can be painted. */
  async validate(path: string, name: string, frame: Frame): Promise<ValidatedPicture> {
    const digest = await digestOf(path);
    const validated = this.validated.get(digest) ?? this.validateNew(path, digest, frame);
    this.validated.set(digest, validated);
    return await validated.catch((error: unknown) => {
      throw error instanceof PictureProblem ? error.forField(name) : error;
    });
  }

  /** Stores a picture, and returns the key of its blob. */
  async store(picture: ValidatedPicture): Promise<string> {
    const { digest } = picture;
    const stored = this.stored.get(digest) ?? this.storeNew(picture);
    this.stored.set(digest, stored);
    return (await stored).key;
  }

  /** Lets go of the pictures: those that no job uses are deleted. */
  async release(): Promise<void> {
    const { queue, store } = this.deps;
    try {
      await queue.pictures.release([...this.held], this.requestId);
      await deleteUnusedPictures(queue.pictures, store);
    } catch {
      // Maintenance does it a day later.
    }
  }

  private async validateNew(path: string, digest: string, frame: Frame): Promise<ValidatedPicture> {
    const { config, picturePool, queue } = this.deps;
    const known = await queue.pictures.hold(this.owner, digest, this.requestId);
    if (known) {
      this.held.add(known.key);
      checkHeader(known.facts, config.limits, frame);
      return { digest, path, ...known };
    }
    const facts = await validatePicture(picturePool, path, this.owner, config.limits, frame);
    return { digest, path, facts, key: null };
  }

  private async storeNew({ digest, path, facts, key }: ValidatedPicture): Promise<StoredUpload> {
    if (key !== null) return { key, facts };
    const { queue, store } = this.deps;
    const added = { key: `${PICTURES_FOLDER}${uuidv4()}`, facts };
    await store.putFile(added.key, path);
    const used = await queue.pictures.add(this.owner, digest, this.requestId, added);
    this.held.add(used);
    // Another request has stored the same picture in the meantime.
    if (used !== added.key) await store.delete(added.key);
    return { key: used, facts };
  }
}

async function digestOf(path: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path), hash);
  return hash.digest("hex");
}
