import { join } from "node:path";
import { createCacheEntry } from "./cache-entry.mjs";
import { runCommand } from "./command.mjs";
import { SetupFailure } from "./failure.mjs";

const VERSION = "4.32.5";
const python = () => process.env.PYTHON ?? "python3";

/**
 * Schemathesis from PyPI, in the cache: the tests check the service against openapi.yaml with it.
 * @param {string} cache the cache folder
 * @returns {Promise<{ command: string, args: string[], env: Record<string, string> }>} how to run it
 */
export async function installSchemathesis(cache) {
  const tag = await runCommand(python(), ["-c", "import sys; print(sys.implementation.cache_tag)"]);
  const folder = join(cache, `schemathesis-${VERSION}-${tag.output.trim()}`);
  await createCacheEntry(folder, async (partial) => {
    const wanted = ["--quiet", "--no-input", "--disable-pip-version-check", "--only-binary=:all:"];
    const result = await runCommand(
      python(),
      ["-m", "pip", "install", ...wanted, "--target", partial, `schemathesis==${VERSION}`],
      { env: { ...process.env, PIP_REQUIRE_VIRTUALENV: "0" } },
    );
    if (result.code !== 0) {
      throw new SetupFailure(
        `Schemathesis could not be installed:\n${result.output}`,
        "See pip's message above.",
      );
    }
  });
  return {
    command: python(),
    args: ["-c", "from schemathesis.cli import schemathesis; schemathesis()"],
    env: { PYTHONPATH: folder },
  };
}
