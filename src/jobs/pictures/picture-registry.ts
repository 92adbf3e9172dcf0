import { join } from "node:path";
import type { Redis } from "ioredis";
import type { RedisKeys } from "../../redis/keys.ts";
import { LuaScript } from "../../redis/lua-script.ts";
import { type PictureArguments, pictureArguments } from "../records/picture-arguments.ts";
import { type PictureFacts, pictureFactsSchema, type StoredUpload } from "./stored-picture.ts";

const LUA = join(import.meta.dirname, "lua");
/** What a request is called among the users of a picture; others are ids of jobs. */
const REQUEST_PREFIX = "request-";

const holdPicture = new LuaScript<[string], PictureArguments & { digest: string; holder: string }, string[]>(
  join(LUA, "hold-picture.lua"),
);
const addPicture = new LuaScript<
  [string],
  PictureArguments & { digest: string; holder: string; key: string; facts: string },
  string
>(join(LUA, "add-picture.lua"));
const releasePictures = new LuaScript<
  [string],
  PictureArguments & { pictures: readonly string[]; user: string },
  string
>(join(LUA, "release-pictures.lua"));
const releaseDeadUsers = new LuaScript<
  [string],
  PictureArguments & { picture: string; request_prefix: string; before: string; job_prefix: string },
  0 | 1
>(join(LUA, "release-dead-users.lua"));

/**
 * Which pictures an owner has stored, by the digest of their bytes, and what uses each: jobs, and requests that are about to
 * create jobs. A job begins and ends to use its pictures in the step that creates and removes its record. A picture that
 * nothing uses is forgotten, and its blob deleted, at once.
 */
export class PictureRegistry {
  private readonly args: PictureArguments;

  constructor(
    private readonly redis: Redis,
    private readonly keys: RedisKeys,
  ) {
    this.args = pictureArguments(keys);
  }

  /** Finds a picture and holds it for a request until `release`; null if it is not stored. */
  async hold(owner: string, digest: string, requestId: string): Promise<StoredUpload | null> {
    const args = { ...this.args, digest, holder: REQUEST_PREFIX + requestId };
    const [key, facts] = await holdPicture.run(this.redis, [this.keys.ownerPictures(owner)], args);
    return key === undefined || facts === undefined ? null : { key, facts: parseFacts(facts) };
  }

  /** Adds a picture whose blob is stored, and holds it. Returns another key if the owner has the same picture already. */
  add(owner: string, digest: string, requestId: string, { key, facts }: StoredUpload): Promise<string> {
    const args = { ...this.args, digest, holder: REQUEST_PREFIX + requestId, key };
    const json = JSON.stringify(facts);
    return addPicture.run(this.redis, [this.keys.ownerPictures(owner)], { ...args, facts: json });
  }

  /** Ends what `hold` and `add` began. */
  async release(pictures: readonly string[], requestId: string): Promise<void> {
    const args = { ...this.args, pictures, user: REQUEST_PREFIX + requestId };
    await releasePictures.run(this.redis, [this.keys.unusedPictures], args);
  }

  /** What is known of a picture; null if it is not stored any more. */
  async find(key: string): Promise<PictureFacts | null> {
    const facts = await this.redis.hget(this.keys.picture(key), "facts");
    return facts === null ? null : parseFacts(facts);
  }

  /** Keys of blobs that are to be deleted. */
  unused(): Promise<string[]> {
    return this.redis.smembers(this.keys.unusedPictures);
  }

  /** The blob of an unused picture has been deleted. */
  async deleted(key: string): Promise<void> {
    await this.redis.srem(this.keys.unusedPictures, key);
  }

  /**
   * Ends the use of a picture by jobs that are gone, and by requests whose id, a UUID v7, is smaller than `before`. Returns
   * false if the picture is not known.
   */
  async releaseDeadUsers(picture: string, before: string): Promise<boolean> {
    const known = await releaseDeadUsers.run(this.redis, [this.keys.picture(picture)], {
      ...{ ...this.args, picture, request_prefix: REQUEST_PREFIX },
      ...{ before: REQUEST_PREFIX + before, job_prefix: this.keys.jobPrefix },
    });
    return known === 1;
  }
}

function parseFacts(json: string): PictureFacts {
  return pictureFactsSchema.parse(JSON.parse(json));
}
