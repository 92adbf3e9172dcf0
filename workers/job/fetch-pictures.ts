import { styleScale } from "../../src/contract/options.ts";
import type { JobErrorCode } from "../../src/contract/problems.ts";
import type { JobRecord } from "../../src/jobs/records/job-record.ts";
import { type DecodeLimits, decodeMask, decodePicture } from "../../src/pictures/decode.ts";
import { contentSize, type Size, styleSize } from "../../src/pictures/picture-size.ts";
import { BlobNotFoundError, type BlobStore } from "../../src/storage/blob-store.ts";
import type { Pictures } from "../engine/protocol.ts";

export interface PictureTools {
  store: BlobStore;
  limits: DecodeLimits;
}

/** What makes a job fail for good, in words for the one who sent it. */
export class JobFailure extends Error {
  constructor(
    readonly code: JobErrorCode,
    message: string,
  ) {
    super(message);
  }
}

/** A job's pictures from the store, decoded at the sizes that the engine wants them in. Throws a `JobFailure`. */
export async function fetchPictures({ store, limits }: PictureTools, record: JobRecord): Promise<Pictures> {
  const { size, style_scale, output } = record.options;
  const fetch = async <Decoded>(
    name: string,
    key: string,
    decode: (bytes: Uint8Array) => Promise<Decoded>,
  ) => {
    const bytes = await store.read(key).catch((error: unknown) => {
      if (!(error instanceof BlobNotFoundError)) throw error;
      throw new JobFailure("picture_missing", `The ${name} picture is not there any more`);
    });
    return decode(bytes).catch((error: unknown) => {
      throw new JobFailure("picture_unreadable", `The ${name} picture cannot be decoded: ${String(error)}`);
    });
  };
  const colors = (target: (picture: Size) => Size) => (bytes: Uint8Array) =>
    decodePicture(bytes, target, limits, output.color_space);
  const content = await fetch(
    "content",
    record.content,
    colors((picture) => contentSize(picture, size)),
  );
  const mask = (bytes: Uint8Array) => decodeMask(bytes, content, limits);

  const styles: Pictures["styles"] = [];
  for (const [index, key] of record.styles.entries()) {
    const edge = size * styleScale(style_scale, index);
    styles.push(
      await fetch(
        "style",
        key,
        colors((picture) => styleSize(picture, edge)),
      ),
    );
  }
  const styleMasks: Pictures["styleMasks"] = [];
  for (const key of record.style_masks ?? []) styleMasks.push(await fetch("style mask", key, mask));
  const { keep_mask, init_picture } = record;
  return {
    content,
    styles,
    styleMasks,
    keepMask: keep_mask === null ? undefined : await fetch("keep mask", keep_mask, mask),
    start:
      init_picture === null
        ? undefined
        : await fetch(
            "initial",
            init_picture,
            colors(() => content),
          ),
  };
}
