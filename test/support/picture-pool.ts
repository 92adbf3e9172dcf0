import { afterAll } from "@jest/globals";
import { PicturePool, type SlotSettings } from "../../src/pictures/process/picture-pool.ts";
import { SMALL_PIXELS } from "../../src/pictures/validate-picture.ts";

const MIB = 1024 * 1024;
const SLOTS: SlotSettings[] = [
  { memoryBytes: 256 * MIB, maxPixels: SMALL_PIXELS },
  { memoryBytes: 640 * MIB },
];
const pools: PicturePool[] = [];
afterAll(() => {
  for (const pool of pools) pool.close();
});

/** A pool as the API has it, unless its slots are given; closed after the file's tests. */
export function picturePool(slots: SlotSettings[] = SLOTS): PicturePool {
  const pool = new PicturePool(slots);
  pools.push(pool);
  return pool;
}
