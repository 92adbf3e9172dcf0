import { ListMultipartUploadsCommand, type MultipartUpload, type S3Client } from "@aws-sdk/client-s3";

/** Incomplete multipart uploads that were started before a time in ms. */
export async function* incompleteUploads(
  client: S3Client,
  bucket: string,
  prefix: string,
  before: number,
): AsyncIterable<MultipartUpload> {
  let from: { KeyMarker?: string; UploadIdMarker?: string } = {};
  for (;;) {
    const page = await client.send(
      new ListMultipartUploadsCommand({ Bucket: bucket, Prefix: prefix, ...from }),
    );
    for (const upload of page.Uploads ?? []) {
      if ((upload.Initiated?.getTime() ?? 0) <= before) yield upload;
    }
    if (!page.IsTruncated || page.NextKeyMarker === undefined) return;
    from = { KeyMarker: page.NextKeyMarker };
    if (page.NextUploadIdMarker !== undefined) from.UploadIdMarker = page.NextUploadIdMarker;
  }
}
