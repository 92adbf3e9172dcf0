import { createHash } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { CreateMultipartUploadCommand, S3Client } from "@aws-sdk/client-s3";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { readConfig } from "../../src/config.ts";
import { type BlobStore, StorageUnavailableError } from "../../src/storage/blob-store.ts";
import { checkBlobStore, createBlobStore } from "../../src/storage/create-store.ts";
import { TestS3Server } from "../support/harness/s3-server.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { describeBlobStore } from "./conformance.ts";

let server: TestS3Server;
beforeAll(async () => {
  server = await TestS3Server.start();
});
afterAll(() => server.stop());

const config = (changes: Record<string, string> = {}) =>
  readConfig({ NODE_ENV: "test", ...server.environment, ...changes });

describeBlobStore("S3", async () => createBlobStore(config()));
describeBlobStore("S3 below a prefix", async () => createBlobStore(config({ S3_PREFIX: "some/where" })));

describe("An S3 bucket of blobs", () => {
  const folder = temporaryFolder();
  let store: BlobStore;
  beforeAll(async () => {
    store = await createBlobStore(config());
  });

  it("stores a file in several parts, and returns a range across them", async () => {
    const bytes = Buffer.alloc(20 * 1024 * 1024 + 17);
    for (let index = 0; index < bytes.length; index += 4096) bytes.writeUInt32LE(index, index);
    const path = join(folder(), "large");
    await writeFile(path, bytes);
    expect((await store.putFile("parts/file", path)).size).toBe(bytes.length);
    const stored = await store.read("parts/file");
    expect(digest(stored)).toBe(digest(bytes));
    const start = 8 * 1024 * 1024 - 3;
    const { info, stream } = await store.get("parts/file", { start, end: start + 9 });
    expect(info.size).toBe(bytes.length);
    expect((await buffer(stream)).equals(bytes.subarray(start, start + 10))).toBe(true);
  });

  it("keeps nothing of a multipart upload whose stream fails", async () => {
    async function* broken() {
      for (let part = 0; part < 3; part++) yield Buffer.alloc(8 * 1024 * 1024);
      throw new Error("client went away");
    }
    await expect(store.put("parts/broken", Readable.from(broken()))).rejects.toThrow("client went away");
    expect(await store.stat("parts/broken")).toBeNull();
    expect(await store.deleteIncompleteUploads(0)).toBe(0);
  });

  it("removes old multipart uploads whose writer died", async () => {
    const client = new S3Client({
      endpoint: server.endpoint,
      region: "us-east-1",
      forcePathStyle: true,
      credentials: { accessKeyId: "test-key", secretAccessKey: "test-secret" },
    });
    await client.send(new CreateMultipartUploadCommand({ Bucket: server.bucket, Key: "jobs/dead/result" }));
    client.destroy();
    expect(await store.deleteIncompleteUploads(3600_000)).toBe(0);
    expect(await store.deleteIncompleteUploads(0)).toBe(1);
    expect(await store.deleteIncompleteUploads(0)).toBe(0);
  });

  it("signs a link that anybody can use for a while, with the requested type and file name", async () => {
    await store.put("linked", Buffer.from("0123456789"));
    const options = { seconds: 60, mediaType: "image/png", disposition: 'inline; filename="cat.png"' };
    const link = (await store.presignedUrl("linked", options)) ?? "";
    const whole = await fetch(link);
    expect(whole.status).toBe(200);
    expect(whole.headers.get("content-type")).toBe("image/png");
    expect(whole.headers.get("content-disposition")).toBe('inline; filename="cat.png"');
    expect(await whole.text()).toBe("0123456789");
    const part = await fetch(link, { headers: { range: "bytes=3-5" } });
    expect([part.status, await part.text()]).toEqual([206, "345"]);
    expect((await fetch(link.replace("linked", "other"))).status).toBe(403);
    expect((await fetch(link.split("?")[0] ?? "")).status).toBe(403);
  });

  it("signs links for the public endpoint", async () => {
    const outside = await createBlobStore(config({ S3_PUBLIC_ENDPOINT: "https://pictures.example.com" }));
    const link = await outside.presignedUrl("linked", {
      seconds: 60,
      mediaType: "image/png",
      disposition: "inline",
    });
    expect(link).toMatch(/^https:\/\/pictures\.example\.com\/pictures\/linked\?/);
  });

  it("distinguishes wrong settings from a server that cannot be reached", async () => {
    await expect(checkBlobStore(config())).resolves.toBeUndefined();
    await expect(checkBlobStore(config({ S3_BUCKET: "none-such" }))).rejects.toThrow(/S3_BUCKET/);
    await expect(checkBlobStore(config({ S3_SECRET_ACCESS_KEY: "wrong" }))).rejects.toThrow(
      /S3_SECRET_ACCESS_KEY/,
    );
    const away = config({ S3_ENDPOINT: "http://127.0.0.1:1" });
    await expect(checkBlobStore(away)).resolves.toBeUndefined();
    const store = await createBlobStore(away);
    await expect(store.ping()).rejects.toThrow(StorageUnavailableError);
    await expect(store.put("x", Buffer.from("x"))).rejects.toThrow(StorageUnavailableError);
    await expect(store.get("x")).rejects.toThrow(StorageUnavailableError);
  });
});

const digest = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
