import type { Readable } from "node:stream";
import { PutObjectCommand, type S3Client } from "@aws-sdk/client-s3";
import { Upload } from "@aws-sdk/lib-storage";

/** A larger body is uploaded in parts of this size. S3 accepts parts of at least 5 MiB. */
const PART_BYTES = 8 * 1024 * 1024;
const CONCURRENT_PARTS = 3;

export interface ObjectAddress {
  Bucket: string;
  Key: string;
}

/** Uploads an object: bytes that fit one part in one request, all else in parts. Returns its size. */
export async function uploadObject(
  client: S3Client,
  address: ObjectAddress,
  body: Uint8Array | Readable,
): Promise<number> {
  if (body instanceof Uint8Array && body.length <= PART_BYTES) {
    await client.send(new PutObjectCommand({ ...address, Body: body, ContentLength: body.length }));
    return body.length;
  }
  let size = 0;
  const params = { ...address, Body: body };
  const upload = new Upload({ client, params, partSize: PART_BYTES, queueSize: CONCURRENT_PARTS });
  upload.on("httpUploadProgress", ({ loaded }) => {
    size = Math.max(size, loaded ?? 0);
  });
  await upload.done();
  return size;
}
