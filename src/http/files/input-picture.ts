import { z } from "zod";
import {
  detectPictureType,
  fileExtension,
  MEDIA_TYPES,
  PICTURE_TYPES,
  type PictureType,
  SIGNATURE_BYTES,
} from "../../pictures/picture-type.ts";
import type { BlobStore } from "../../storage/blob-store.ts";
import { binarySchema } from "../openapi/binary.ts";
import { problemResponses } from "../openapi/problem-responses.ts";
import { strongEtag } from "./etag.ts";
import type { StoredFile } from "./send-file.ts";

/** The responses of routes that return a picture as the client sent it. */
export const inputPictureResponses = {
  200: {
    description: "The picture's file, unchanged.",
    content: Object.fromEntries(
      PICTURE_TYPES.map((type) => [MEDIA_TYPES[type], { schema: binarySchema }] as const),
    ),
  },
  304: z.undefined().describe("The client already has the picture."),
  ...problemResponses("job_not_found", "style_not_found", "result_expired", "unavailable"),
};

export async function inputPicture(store: BlobStore, key: string, name: string): Promise<StoredFile> {
  const type = await storedType(store, key);
  return {
    key,
    mediaType: type ? MEDIA_TYPES[type] : "application/octet-stream",
    etag: strongEtag(key),
    fileName: type ? `${name}.${fileExtension(type)}` : name,
    cacheControl: "private, max-age=3600",
  };
}

async function storedType(store: BlobStore, key: string): Promise<PictureType | null> {
  const info = await store.stat(key);
  if (!info || info.size === 0) return null;
  const { stream } = await store.get(key, { start: 0, end: Math.min(SIGNATURE_BYTES, info.size) - 1 });
  const head: Buffer[] = [];
  for await (const chunk of stream) head.push(chunk as Buffer);
  return detectPictureType(Buffer.concat(head));
}
