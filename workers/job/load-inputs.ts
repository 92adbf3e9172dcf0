import { styleScale } from "../../src/contract/options.ts";
import type { JobRecord } from "../../src/jobs/records/job-record.ts";
import { type DecodeLimits, decodeMask, decodePicture } from "../../src/pictures/decode.ts";
import { contentSize, type Size, styleSize } from "../../src/pictures/picture-size.ts";
import { BlobNotFoundError, type BlobStore } from "../../src/storage/blob-store.ts";
import type { Pictures } from "../engine/protocol.ts";
import { PermanentJobError } from "./attempt-context.ts";

export interface InputDeps {
  store: BlobStore;
  limits: DecodeLimits;
}

/** Loads a job's pictures from the blob store and decodes them at the sizes that the engine needs. */
export async function loadInputs({ store, limits }: InputDeps, record: JobRecord): Promise<Pictures> {
  const { size, style_scale, output } = record.options;
  const { keep_mask, init_picture } = record;
  const load = async <Decoded>(
    name: string,
    key: string,
    decode: (bytes: Uint8Array) => Promise<Decoded>,
  ): Promise<Decoded> => {
    const bytes = await store.read(key).catch((error: unknown) => {
      if (!(error instanceof BlobNotFoundError)) throw error;
      throw new PermanentJobError("picture_missing", `The ${name} picture is not in the blob store any more`);
    });
    return decode(bytes).catch((error: unknown) => {
      throw new PermanentJobError(
        "picture_unreadable",
        `The ${name} picture cannot be decoded: ${String(error)}`,
      );
    });
  };
  const loadPicture = (name: string, key: string, targetSize: (picture: Size) => Size) =>
    load(name, key, (bytes) => decodePicture(bytes, targetSize, limits, output.color_space));

  const content = await loadPicture("content", record.content, (picture) => contentSize(picture, size));
  const loadMask = (name: string, key: string) =>
    load(name, key, (bytes) => decodeMask(bytes, content, limits));
  const styles: Pictures["styles"] = [];
  for (const [index, key] of record.styles.entries()) {
    const edge = size * styleScale(style_scale, index);
    styles.push(await loadPicture("style", key, (picture) => styleSize(picture, edge)));
  }
  const styleMasks: Pictures["styleMasks"] = [];
  for (const key of record.style_masks ?? []) styleMasks.push(await loadMask("style mask", key));
  return {
    ...{ content, styles, styleMasks },
    keepMask: keep_mask === null ? undefined : await loadMask("keep mask", keep_mask),
    start: init_picture === null ? undefined : await loadPicture("initial", init_picture, () => content),
  };
}
