import { mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { BlobNotFoundError, type BlobStore, InvalidBlobKeyError } from "../../src/storage/blob-store.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

/** Tests what every blob store does. `makeStore` returns an empty one. */
export function describeBlobStore(name: string, makeStore: () => Promise<BlobStore>): void {
  describe(`${name} as a blob store`, () => {
    let store: BlobStore;
    let folder: string;
    beforeAll(async () => {
      store = await makeStore();
      folder = await mkdtemp(join(tmpdir(), "nst-blobs-"));
    });
    afterAll(() => rm(folder, { recursive: true, force: true }));

    const text = async (key: string, range?: { start: number; end: number }) => {
      const { stream } = await store.get(key, range);
      return (await buffer(stream)).toString();
    };
    const keys = async (prefix: string) => {
      const found: string[] = [];
      for await (const { key } of store.list(prefix)) found.push(key);
      return found;
    };

    it("returns bytes as they were stored, with size and time", async () => {
      const before = Date.now();
      const info = await store.put("jobs/a/content", bytes("cat"));
      expect(info).toMatchObject({ key: "jobs/a/content", size: 3 });
      // S3 knows only seconds.
      expect(info.modifiedAt.getTime()).toBeGreaterThan(before - 1_000);
      expect(info.modifiedAt.getTime()).toBeLessThanOrEqual(Date.now() + 1_000);
      expect(await text("jobs/a/content")).toBe("cat");
      expect(Buffer.from(await store.read("jobs/a/content")).toString()).toBe("cat");
      expect(await store.stat("jobs/a/content")).toMatchObject({ key: "jobs/a/content", size: 3 });
    });

    it("stores a stream larger than its buffers", async () => {
      const chunk = Buffer.alloc(256 * 1024, 7);
      const info = await store.put("jobs/a/large", Readable.from(Array.from({ length: 12 }, () => chunk)));
      expect(info.size).toBe(12 * chunk.length);
      const read = await store.read("jobs/a/large");
      expect(read.length).toBe(12 * chunk.length);
      expect(read.every((byte) => byte === 7)).toBe(true);
    });

    it("stores an empty blob", async () => {
      await store.put("empty", new Uint8Array());
      expect(await text("empty")).toBe("");
      expect((await store.stat("empty"))?.size).toBe(0);
    });

    it("moves a file into the store", async () => {
      const path = join(folder, "upload");
      await writeFile(path, "spooled");
      expect((await store.putFile("jobs/b/style-0", path)).size).toBe(7);
      expect(await text("jobs/b/style-0")).toBe("spooled");
      await expect(writeFile(path, "", { flag: "wx" })).resolves.toBeUndefined();
    });

    it("does not follow a link to a file that its maker may not be allowed to read", async () => {
      const [secret, link] = [join(folder, "secret"), join(folder, "link")];
      await writeFile(secret, "the worker's");
      await symlink(secret, link);
      await expect(store.putFile("jobs/b/checkpoint-0", link)).rejects.toThrow();
      expect(await store.stat("jobs/b/checkpoint-0")).toBeNull();
      expect(await readFile(secret, "utf8")).toBe("the worker's");
    });

    it("replaces a blob, while a reader of the old one gets it completely", async () => {
      const old = Buffer.alloc(1024 * 1024, "o");
      await store.put("jobs/c/result", old);
      const { stream } = await store.get("jobs/c/result");
      await store.put("jobs/c/result", bytes("new"));
      expect((await buffer(stream)).equals(old)).toBe(true);
      expect(await text("jobs/c/result")).toBe("new");
    });

    it("leaves nothing behind if the stream fails", async () => {
      async function* broken() {
        yield bytes("half a pic");
        throw new Error("client went away");
      }
      await expect(store.put("jobs/d/content", Readable.from(broken()))).rejects.toThrow("client went away");
      expect(await store.stat("jobs/d/content")).toBeNull();
      expect(await keys("jobs/d/")).toEqual([]);
    });

    it("returns a range of bytes, both ends inclusive", async () => {
      await store.put("range", bytes("0123456789"));
      expect(await text("range", { start: 0, end: 0 })).toBe("0");
      expect(await text("range", { start: 3, end: 5 })).toBe("345");
      expect(await text("range", { start: 9, end: 9 })).toBe("9");
    });

    it.each([
      { start: 0, end: 10 },
      { start: 5, end: 4 },
      { start: -1, end: 2 },
    ])("rejects the range %j of ten bytes", async (range) => {
      await store.put("range", bytes("0123456789"));
      await expect(store.get("range", range)).rejects.toThrow(RangeError);
    });

    it("reports a blob that does not exist", async () => {
      expect(await store.stat("jobs/none")).toBeNull();
      await expect(store.get("jobs/none")).rejects.toThrow(BlobNotFoundError);
      await expect(store.read("jobs/none")).rejects.toThrow(BlobNotFoundError);
      await store.put("leaf", bytes("x"));
      expect(await store.stat("leaf/below")).toBeNull();
      await expect(store.get("leaf/below")).rejects.toThrow(BlobNotFoundError);
    });

    it("deletes a blob, and does nothing the second time", async () => {
      await store.put("jobs/e/result", bytes("x"));
      await store.delete("jobs/e/result");
      await store.delete("jobs/e/result");
      expect(await store.stat("jobs/e/result")).toBeNull();
    });

    it("lists the blobs below a prefix, folder by folder, sorted by name", async () => {
      for (const key of ["list/b/2", "list/a.b", "list/a/1", "list/b/1", "listing"]) {
        await store.put(key, bytes(key));
      }
      const listed = await keys("list/");
      expect([...listed].sort()).toEqual(["list/a.b", "list/a/1", "list/b/1", "list/b/2"]);
      expect(listed.slice(2)).toEqual(["list/b/1", "list/b/2"]);
      expect(await keys("list/b/")).toEqual(["list/b/1", "list/b/2"]);
      expect(await keys("nothing/")).toEqual([]);
      expect(await keys("")).toEqual(expect.arrayContaining(["listing", "list/a/1"]));
    });

    it.each([
      "",
      "/etc/passwd",
      "../outside",
      "jobs/../../outside",
      "jobs/./a",
      "jobs//a",
      "jobs/",
      ".hidden",
      "jobs/a\0b",
      "jobs\\a",
      "jobs/ä",
      "a/b/c/d/e/f/g/h/i",
      "x".repeat(129),
    ])("rejects the key %j in all methods", async (key) => {
      await expect(store.put(key, bytes("x"))).rejects.toThrow(InvalidBlobKeyError);
      await expect(store.putFile(key, join(folder, "none"))).rejects.toThrow(InvalidBlobKeyError);
      await expect(store.get(key)).rejects.toThrow(InvalidBlobKeyError);
      await expect(store.read(key)).rejects.toThrow(InvalidBlobKeyError);
      await expect(store.stat(key)).rejects.toThrow(InvalidBlobKeyError);
      await expect(store.delete(key)).rejects.toThrow(InvalidBlobKeyError);
    });

    it("keeps exactly one of many concurrent writes of a key", async () => {
      const bodies = Array.from({ length: 8 }, (_, index) => String(index).repeat(50_000));
      await Promise.all(bodies.map((body) => store.put("race", bytes(body))));
      expect(bodies).toContain(await text("race"));
    });

    it("writes and deletes concurrently in one folder", async () => {
      await Promise.all(
        Array.from({ length: 40 }, async (_, index) => {
          await store.put(`busy/${index % 2}/${index}`, bytes("x"));
          await store.delete(`busy/${index % 2}/${index}`);
        }),
      );
      expect(await keys("busy/")).toEqual([]);
    });

    it("answers a ping", async () => {
      await expect(store.ping()).resolves.toBeUndefined();
    });
  });
}
