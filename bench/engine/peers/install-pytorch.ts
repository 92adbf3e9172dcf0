import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const VERSION = "2.15.0";
const run = promisify(execFile);

/**
 * Returns the Python of a virtual environment with PyTorch. Creates it in the cache on first use: npm run setup does not.
 * @param more other packages that it must have
 */
export async function installPytorch(more: readonly string[] = []): Promise<string> {
  const cache =
    process.env.NST_CACHE_DIR ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "nst");
  const folder = join(cache, `bench-pytorch-${VERSION}`);
  const python = join(folder, "bin/python");
  const marker = join(folder, ["complete", ...more].join("-"));
  if (!existsSync(marker)) {
    console.log(`installing PyTorch ${VERSION} into ${folder} …`);
    await run("python3", ["-m", "venv", folder]);
    await run(python, ["-m", "pip", "install", "--quiet", `torch==${VERSION}`, "numpy", ...more], {
      maxBuffer: 2 ** 26,
    });
    await run("touch", [marker]);
  }
  return python;
}
