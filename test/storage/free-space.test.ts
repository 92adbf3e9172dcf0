import { describe, expect, it } from "@jest/globals";
import { StorageFullError } from "../../src/storage/blob-store.ts";
import { FreeSpace } from "../../src/storage/free-space.ts";

const MIB = 1024 * 1024;
const never = new AbortController().signal;

describe("Free space", () => {
  it("is reserved until the request ends, so that requests at the same time do not get the same space", async () => {
    const space = new FreeSpace(["/disk"], 10 * MIB, async () => 100 * MIB);
    const [one, other] = [new AbortController(), new AbortController()];
    await space.reserve(60 * MIB, one.signal);
    await expect(space.reserve(40 * MIB, other.signal)).rejects.toThrow(StorageFullError);
    one.abort();
    other.abort();
    await space.reserve(90 * MIB, never);
  });

  it("counts what is written once: on the disk, and no longer as reserved", async () => {
    let free = 100 * MIB;
    const space = new FreeSpace(["/disk"], 10 * MIB, async () => free);
    const reservation = await space.reserve(60 * MIB, never);
    await reservation.use(50 * MIB);
    free -= 50 * MIB;
    expect(space.outstandingBytes).toBe(10 * MIB);
    await space.reserve(30 * MIB, never);
  });

  it("is checked while a body of unknown length is written", async () => {
    let free = 20 * MIB;
    const space = new FreeSpace(["/disk"], 10 * MIB, async () => free);
    const reservation = await space.reserve(0, never);
    let written = 0;
    const write = async () => {
      for (; written < 100; written += 1) {
        await reservation.use(MIB);
        free -= MIB;
      }
    };
    await expect(write()).rejects.toThrow(StorageFullError);
    expect(written).toBeLessThanOrEqual(10);
  });

  it("is checked again while a body of known length is written", async () => {
    let free = 100 * MIB;
    const space = new FreeSpace(["/a", "/b"], 10 * MIB, async (folder) =>
      folder === "/a" ? 100 * MIB : free,
    );
    const reservation = await space.reserve(50 * MIB, never);
    await reservation.use(5 * MIB);
    free = 5 * MIB;
    await expect(reservation.use(5 * MIB)).rejects.toThrow(StorageFullError);
  });
});
