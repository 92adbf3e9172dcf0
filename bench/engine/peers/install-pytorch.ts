import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const VERSION = "2.15.0";
const run = promisify(execFile);

/** Returns the Python of a virtual environment with PyTorch. Creates it in the cache on first use: npm run setup does not. */
export async function installPytorch(): Promise<string> {
  const cache =
    process.env.NST_CACHE_DIR ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "nst");
  const folder = join(cache, `bench-pytorch-${VERSION}`);
  const python = join(folder, "bin/python");
  if (!existsSync(join(folder, "complete"))) {
    console.log(`installing PyTorch ${VERSION} into ${folder} …`);
    await run("python3", ["-m", "venv", folder]);
    await run(python, ["-m", "pip", "install", "--quiet", `torch==${VERSION}`, "numpy"], {
      maxBuffer: 2 ** 26,
    });
    await run("touch", [join(folder, "complete")]);
  }
  return python;
}
