import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createCacheEntry } from "./cache-entry.mjs";
import { runCommand } from "./command.mjs";
import { SetupFailure } from "./failure.mjs";

const OPENAPI_GENERATOR = "7.25.0";
const OPENAPI_PYTHON_CLIENT = "0.29.1";
const OAPI_CODEGEN = "v2.8.2";
const LINTERS = ["@redocly/cli@2.77.0", "@stoplight/spectral-cli@6.16.3"];

const python = () => process.env.PYTHON ?? "python3";

/**
 * The tools of `npm run clients:check`, in the cache. They need Java with Maven, Python with pip, Go, and npm.
 * @param {string} cache the cache folder
 * @param {(line: string) => void} log
 */
export async function installClientGenerators(cache, log) {
  const jar = join(cache, `openapi-generator-${OPENAPI_GENERATOR}`);
  const artifact = `org.openapitools:openapi-generator-cli:${OPENAPI_GENERATOR}`;
  await install(jar, log, (folder) => [
    "mvn",
    ["--quiet", "dependency:copy", `-Dartifact=${artifact}`, `-DoutputDirectory=${folder}`],
  ]);
  const packages = join(cache, `openapi-python-client-${OPENAPI_PYTHON_CLIENT}`);
  const pip = ["-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check"];
  await install(packages, log, (folder) => [
    python(),
    [...pip, "--target", folder, `openapi-python-client==${OPENAPI_PYTHON_CLIENT}`],
  ]);
  const go = join(cache, `oapi-codegen-${OAPI_CODEGEN}`);
  const module = `github.com/oapi-codegen/oapi-codegen/v2/cmd/oapi-codegen@${OAPI_CODEGEN}`;
  await install(go, log, (folder) => ["go", ["install", module], { GOBIN: folder }]);
  const linters = join(cache, `openapi-linters-${LINTERS.join("-").replaceAll(/[^\w.-]/g, "_")}`);
  await install(linters, log, async (folder) => {
    await writeFile(join(folder, "package.json"), "{}");
    return ["npm", ["install", "--prefix", folder, "--no-audit", "--no-fund", ...LINTERS]];
  });
  return {
    jar: join(jar, `openapi-generator-cli-${OPENAPI_GENERATOR}.jar`),
    python: python(),
    pythonPackages: packages,
    oapiCodegen: join(go, "oapi-codegen"),
    redocly: join(linters, "node_modules/.bin/redocly"),
    spectral: join(linters, "node_modules/.bin/spectral"),
  };
}

/**
 * @typedef {[command: string, args: string[], env?: Record<string, string>]} Command
 * @param {string} folder
 * @param {(line: string) => void} log
 * @param {(partial: string) => Command | Promise<Command>} commandFor
 */
async function install(folder, log, commandFor) {
  await createCacheEntry(folder, async (partial) => {
    const [command, args, env] = await commandFor(partial);
    log(`installing ${folder}`);
    const result = await runCommand(command, args, {
      env: { ...process.env, PIP_REQUIRE_VIRTUALENV: "0", ...env },
    });
    if (result.code !== 0)
      throw new SetupFailure(`${command} failed:\n${result.output}`, `See the message of ${command} above.`);
  });
}
