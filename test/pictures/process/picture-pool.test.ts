import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "@jest/globals";
import type { PictureProblem } from "../../../src/pictures/picture-problem.ts";
import type { PicturePool } from "../../../src/pictures/process/picture-pool.ts";
import { SMALL_PIXELS, validatePicture } from "../../../src/pictures/validate-picture.ts";
import { picturePool } from "../../support/picture-pool.ts";
import { jpeg, plain } from "../../support/pictures.ts";
import { childrenOf } from "../../support/process-tree.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";
import { until } from "../../support/until.ts";

const MIB = 1024 * 1024;
const limits = { uploadBytes: 1_000_000, picturePixels: 64_000_000, pictureSeconds: 60 };
const folder = temporaryFolder();
/** Decoding it takes some 250 MB and a second or more. */
let large: string;
let small: string;

beforeAll(async () => {
  large = join(folder(), "large.avif");
  small = join(folder(), "small.jpg");
  const avif = plain(4000, 3000, "#a03040").avif({ effort: 0, quality: 30 });
  await Promise.all([avif.toFile(large), writeFile(small, await jpeg())]);
});

const outcome = (pool: PicturePool, path: string, owner: string, changed: Partial<typeof limits> = {}) =>
  validatePicture(pool, path, owner, { ...limits, ...changed }, "only").then(
    ({ width, height }) => `${width} × ${height}`,
    (error: PictureProblem) => error.code,
  );
const newPool = () => picturePool();

describe("A pool of picture processes", () => {
  it("decodes small pictures while a large one keeps the other process busy", async () => {
    const pool = newPool();
    const order: string[] = [];
    const first = outcome(pool, large, "a").then((found) => order.push(found));
    // Its header has been read, and its pixels are being decoded.
    await until(() => pool.started.inspect === 2);
    const others = Array.from({ length: 3 }, async () => order.push(await outcome(pool, small, "b")));
    await Promise.all([first, ...others]);
    expect(order).toEqual(["64 × 48", "64 × 48", "64 × 48", "4000 × 3000"]);
  });

  it("serves owners in turn", async () => {
    const pool = picturePool([{ memoryBytes: 256 * MIB }]);
    const order: string[] = [];
    const input = { path: small, type: "jpeg", limits, frame: "only", decodedPixels: SMALL_PIXELS } as const;
    const run = async (owner: string) => {
      await pool.run("inspect", input, { owner, pixels: 0 });
      order.push(owner);
    };
    // The first keeps the process busy until the others wait.
    await Promise.all(["x", "a", "a", "a", "a", "b", "b", "c"].map(run));
    expect(order.join("")).toBe("xabcabaa");
  });

  it("rejects a picture that needs more memory than the process may have, and works on", async () => {
    const pool = picturePool([
      { memoryBytes: 200 * MIB, maxPixels: SMALL_PIXELS },
      { memoryBytes: 256 * MIB },
    ]);
    expect(await outcome(pool, large, "a")).toBe("too_many_pixels");
    expect(await outcome(pool, small, "a")).toBe("64 × 48");
    expect(pool.running).toBe(0);
  });

  it("rejects a picture that takes too long, and works on", async () => {
    const pool = newPool();
    expect(await outcome(pool, large, "a", { pictureSeconds: 0.4 })).toBe("picture_too_slow");
    expect(await outcome(pool, small, "a")).toBe("64 × 48");
    expect(pool.running).toBe(0);
  });

  it("survives the end of its process, and frees the place of a task that is aborted", async () => {
    const pool = picturePool([{ memoryBytes: 640 * MIB }]);
    const killed = outcome(pool, large, "a");
    await until(() => pool.started.inspect === 2);
    const [pid = 0] = await pictureProcesses();
    process.kill(pid, "SIGKILL");
    // It had worked on the header before, so a new process gets the picture once more.
    expect(await killed).toBe("4000 × 3000");

    const aborted = new AbortController();
    const input = {
      path: large,
      type: "avif",
      limits,
      frame: "only",
      decodedPixels: limits.picturePixels,
    } as const;
    const context = { owner: "a", pixels: 0, signal: aborted.signal };
    const tasks = [pool.run("inspect", input, context), pool.run("inspect", input, context)];
    aborted.abort(new Error("nobody waits"));
    for (const task of tasks) await expect(task).rejects.toThrow("nobody waits");
    await until(() => pool.running === 0);
    expect(await outcome(pool, small, "a")).toBe("64 × 48");
  });

  it("gives its processes no secret of the environment", async () => {
    process.env.S3_SECRET_ACCESS_KEY = "secret-of-the-store";
    const pool = newPool();
    await outcome(pool, small, "a");
    const environments = await Promise.all(
      (await pictureProcesses()).map((pid) => readFile(`/proc/${pid}/environ`, "utf8")),
    );
    expect(environments.length).toBeGreaterThan(0);
    expect(environments.join()).not.toContain("secret-of-the-store");
  });
});

/** The ids of the picture processes of this process. */
async function pictureProcesses(): Promise<number[]> {
  const found: number[] = [];
  for (const pid of await childrenOf(process.pid)) {
    const command = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
    if (command.includes("pictures/process/main.js")) found.push(pid);
  }
  return found;
}
