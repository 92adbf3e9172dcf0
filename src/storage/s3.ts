import { rm } from "node:fs/promises";
import { addAbortSignal, type Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import {
  AbortMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  type GetObjectCommandOutput,
  HeadBucketCommand,
  HeadObjectCommand,
  paginateListObjectsV2,
  type S3Client,
} from "@aws-sdk/client-s3";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";
import {
  type Blob,
  type BlobInfo,
  BlobNotFoundError,
  type BlobStore,
  type ByteRange,
  checkBlobKey,
  checkBlobPrefix,
  type PresignedUrlOptions,
} from "./blob-store.ts";
import { openRegularFile } from "./durable-files.ts";
import { isNotFound, isRangeError, storageError, translateErrors } from "./s3-errors.ts";
import { incompleteUploads } from "./s3-incomplete-uploads.ts";
import { type ObjectAddress, uploadObject } from "./s3-upload.ts";

const READ_TIMEOUT_MS = 120_000;

interface S3BlobStoreSettings {
  bucket: string;
  /** Prefix of every key: "" or a path that ends in "/". */
  prefix: string;
  /** Presigns URLs. Its endpoint is the one that clients use. */
  publicClient: S3Client;
}

/**
 * A blob store in an S3 bucket. S3 guarantees that an object appears completely or not at all. If its writer dies, an
 * incomplete multipart upload remains, which no reader sees.
 */
export class S3BlobStore implements BlobStore {
  constructor(
    private readonly client: S3Client,
    private readonly settings: S3BlobStoreSettings,
  ) {}

  async put(key: string, body: Uint8Array | Readable): Promise<BlobInfo> {
    const target = this.target(key);
    const source = body instanceof Uint8Array ? undefined : body;
    const size = await translateErrors(() => uploadObject(this.client, target, body), source);
    return { key, size, modifiedAt: new Date() };
  }

  async putFile(key: string, path: string): Promise<BlobInfo> {
    checkBlobKey(key);
    const file = await openRegularFile(path);
    const info = await this.put(key, file.createReadStream());
    await rm(path, { force: true });
    return info;
  }

  async get(key: string, range?: ByteRange): Promise<Blob> {
    const target = this.target(key);
    if (range && !(range.start >= 0 && range.start <= range.end)) throw rangeError(key, range);
    const found = await translateErrors(async () => {
      const Range = range && `bytes=${range.start}-${range.end}`;
      try {
        return await this.client.send(new GetObjectCommand({ ...target, ...(Range && { Range }) }));
      } catch (error) {
        if (isNotFound(error)) throw new BlobNotFoundError(key);
        if (range && isRangeError(error)) throw rangeError(key, range);
        throw error;
      }
    });
    const stream = found.Body as Readable;
    const size = totalSize(found);
    if (range && range.end >= size) {
      stream.destroy();
      throw rangeError(key, range);
    }
    return { info: { key, size, modifiedAt: found.LastModified ?? new Date() }, stream };
  }

  async read(key: string): Promise<Uint8Array> {
    const { stream } = await this.get(key);
    return await translateErrors(() => buffer(addAbortSignal(AbortSignal.timeout(READ_TIMEOUT_MS), stream)));
  }

  async stat(key: string): Promise<BlobInfo | null> {
    const target = this.target(key);
    return await translateErrors(async () => {
      try {
        const { ContentLength, LastModified } = await this.client.send(new HeadObjectCommand(target));
        return { key, size: ContentLength ?? 0, modifiedAt: LastModified ?? new Date() };
      } catch (error) {
        if (isNotFound(error)) return null;
        throw error;
      }
    });
  }

  async delete(key: string): Promise<void> {
    const target = this.target(key);
    await translateErrors(() => this.client.send(new DeleteObjectCommand(target)));
  }

  async *list(prefix: string): AsyncIterable<BlobInfo> {
    checkBlobPrefix(prefix);
    const { bucket, prefix: own } = this.settings;
    const pages = paginateListObjectsV2({ client: this.client }, { Bucket: bucket, Prefix: own + prefix });
    try {
      for await (const { Contents = [] } of pages) {
        for (const { Key = "", Size = 0, LastModified = new Date() } of Contents) {
          yield { key: Key.slice(own.length), size: Size, modifiedAt: LastModified };
        }
      }
    } catch (error) {
      throw storageError(error);
    }
  }

  async deleteIncompleteUploads(ageMs: number): Promise<number> {
    const { bucket, prefix } = this.settings;
    const before = Date.now() - ageMs;
    return await translateErrors(async () => {
      let count = 0;
      for await (const { Key, UploadId } of incompleteUploads(this.client, bucket, prefix, before)) {
        await this.client.send(new AbortMultipartUploadCommand({ Bucket: bucket, Key, UploadId }));
        count += 1;
      }
      return count;
    });
  }

  async ping(): Promise<void> {
    await translateErrors(() => this.client.send(new HeadBucketCommand({ Bucket: this.settings.bucket })));
  }

  async presignedUrl(key: string, { seconds, mediaType, disposition }: PresignedUrlOptions): Promise<string> {
    const command = new GetObjectCommand({
      ...this.target(key),
      ResponseContentType: mediaType,
      ResponseContentDisposition: disposition,
    });
    return await getSignedUrl(this.settings.publicClient, command, { expiresIn: seconds });
  }

  private target(key: string): ObjectAddress {
    checkBlobKey(key);
    return { Bucket: this.settings.bucket, Key: this.settings.prefix + key };
  }
}

/** The size of the whole blob. The response to a range has it in `Content-Range`: "bytes 3-5/10". */
function totalSize({ ContentRange, ContentLength }: GetObjectCommandOutput): number {
  const total = /\/(\d+)$/.exec(ContentRange ?? "")?.[1];
  return total === undefined ? (ContentLength ?? 0) : Number(total);
}

function rangeError(key: string, { start, end }: ByteRange): RangeError {
  return new RangeError(`Bytes ${start}-${end} are outside of "${key}"`);
}
