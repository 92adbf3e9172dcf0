import { execFile } from "node:child_process";
import { chmod, mkdir, mkdtemp, readdir, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { StorageFullError, StorageUnavailableError } from "../../src/storage/blob-store.ts";
import { syncFolder } from "../../src/storage/durable-files.ts";
import { FilesystemBlobStore } from "../../src/storage/filesystem.ts";
import { describeIfPossible, missingToMount } from "../support/requirements.ts";
import { describeBlobStore } from "./conformance.ts";

const run = promisify(execFile);
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "nst-filesystem-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describeBlobStore("A folder", async () => new FilesystemBlobStore(join(folder, "conformance")));

describe("A folder of blobs", () => {
  it("keeps no empty folders and no temporary files", async () => {
    const root = join(folder, "clean");
    const store = new FilesystemBlobStore(root);
    await store.put("jobs/a/result", Buffer.from("x"));
    await store.delete("jobs/a/result");
    expect(await readdir(root)).toEqual([".writing"]);
    expect(await readdir(join(root, ".writing"))).toEqual([]);
  });

  it("works if the file system cannot flush a folder", async () => {
    // As on SMB: the kernel answers EINVAL here.
    await expect(syncFolder("/proc")).resolves.toBeUndefined();
  });

  it("rejects a ping if blobs cannot be stored", async () => {
    const root = join(folder, "blocked");
    // A submission also needs to create a name in the folder.
    await mkdir(join(root, "readiness-probe"), { recursive: true });
    await expect(new FilesystemBlobStore(root).ping()).rejects.toMatchObject({ code: "EISDIR" });
  });

  it("does not list incomplete blobs", async () => {
    const root = join(folder, "writing");
    const store = new FilesystemBlobStore(root);
    await mkdir(join(root, ".writing"), { recursive: true });
    await writeFile(join(root, ".writing", "half"), "x");
    const found: string[] = [];
    for await (const { key } of store.list("")) found.push(key);
    expect(found).toEqual([]);
  });

  it("removes old incomplete blobs, and keeps those that may still be written", async () => {
    const root = join(folder, "unfinished");
    const store = new FilesystemBlobStore(root);
    await mkdir(join(root, ".writing"), { recursive: true });
    for (const name of ["old", "young"]) await writeFile(join(root, ".writing", name), "x");
    const anHourAgo = new Date(Date.now() - 3600_000);
    await utimes(join(root, ".writing", "old"), anHourAgo, anHourAgo);
    expect(await store.deleteIncompleteUploads(1800_000)).toBe(1);
    expect(await readdir(join(root, ".writing"))).toEqual(["young"]);
  });

  it("throws StorageUnavailableError if a file is in its place", async () => {
    const path = join(folder, "file");
    await writeFile(path, "");
    await chmod(path, 0o400);
    const store = new FilesystemBlobStore(path);
    await expect(store.ping()).rejects.toThrow(StorageUnavailableError);
    await expect(store.put("jobs/a/result", Buffer.from("x"))).rejects.toThrow(StorageUnavailableError);
  });
});

const notLinux = process.platform === "linux" ? undefined : "it needs Linux";
describeIfPossible("A folder on a broken disk", notLinux, () => {
  it("throws StorageUnavailableError if the disk cannot be read", async () => {
    // The first bytes of a process's memory are not mapped: reading them fails with EIO, as with a broken disk.
    const store = new FilesystemBlobStore("/proc/self");
    await expect(store.read("mem")).rejects.toThrow(StorageUnavailableError);
  });
});

describeIfPossible("A folder on a full disk", missingToMount(), () => {
  it("throws StorageFullError if the disk is full, and stays usable", async () => {
    const small = join(folder, "small");
    await mkdir(small);
    await run("mount", ["-t", "tmpfs", "-o", "size=1m", "tmpfs", small]);
    try {
      const store = new FilesystemBlobStore(small);
      await expect(store.put("large", Buffer.alloc(4 * 1024 * 1024))).rejects.toThrow(StorageFullError);
      expect(await store.stat("large")).toBeNull();
      expect((await store.put("little", Buffer.alloc(1024))).size).toBe(1024);
      const elsewhere = join(folder, "elsewhere");
      await writeFile(elsewhere, "moved over");
      expect((await store.putFile("moved", elsewhere)).size).toBe(10);
    } finally {
      await run("umount", [small]);
    }
  });
});
