import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { ROOT } from "../../src/root.ts";

const { unpackWheels } = await import(`${ROOT}/scripts/setup/wheels.mjs`);
const execute = promisify(execFile);

/** A wheel as pip wants it, with a library and a program in it. */
const MAKE_WHEEL = `
import sys, zipfile
with zipfile.ZipFile(sys.argv[1], "w") as wheel:
    info = zipfile.ZipInfo("small/bin/program"); info.external_attr = 0o755 << 16
    wheel.writestr(info, "#!/bin/sh\\n")
    wheel.writestr("small/library.txt", "x" * 1000)
    wheel.writestr("small/other.txt", "not wanted")
    wheel.writestr("small-1.0.dist-info/METADATA", "Metadata-Version: 2.1\\nName: small\\nVersion: 1.0\\n")
    wheel.writestr("small-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: false\\nTag: cp311-cp311-manylinux_2_17_x86_64\\n")
    wheel.writestr("small-1.0.dist-info/RECORD", "")
`;
const NAME = "small-1.0-cp311-cp311-manylinux_2_17_x86_64.whl";

describe("Unpacking wheels into the cache", () => {
  let folder: string;
  let cache: string;
  let server: Server;
  let requests: string[];
  let sha256: string;
  const inherited = { ...process.env };

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "nst-"));
    await execute(process.env.PYTHON ?? "python3", ["-c", MAKE_WHEEL, join(folder, NAME)]);
    const bytes = await readFile(join(folder, NAME));
    sha256 = createHash("sha256").update(bytes).digest("hex");
    server = createServer((request, response) => {
      requests.push(request.url ?? "");
      if (request.url === "/small/") {
        response.setHeader("content-type", "text/html").end(`<a href="/files/${NAME}">${NAME}</a>`);
      } else if (request.url === `/files/${NAME}`) {
        response.end(bytes);
      } else {
        response.writeHead(404).end();
      }
    }).listen(0, "127.0.0.1");
    await new Promise((resolve) => server.once("listening", resolve));
  });

  beforeEach(async () => {
    cache = await mkdtemp(join(tmpdir(), "nst-"));
    requests = [];
    for (const name of Object.keys(process.env)) if (name.startsWith("PIP_")) delete process.env[name];
    process.env.PIP_CONFIG_FILE = "/dev/null";
    process.env.PIP_INDEX_URL = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  });

  afterEach(async () => {
    for (const name of Object.keys(process.env)) if (!(name in inherited)) delete process.env[name];
    Object.assign(process.env, inherited);
    await rm(cache, { recursive: true });
  });

  afterAll(async () => {
    server.close();
    await rm(folder, { recursive: true });
  });

  const wheel = () => ({
    name: "small",
    version: "1.0",
    python: "cp311",
    platform: "manylinux_2_17_x86_64",
    sha256,
    megabytes: 1,
    unpacked: 1,
  });
  const unpack = (changes = {}, take = ["small/bin/", "small/library"]) =>
    unpackWheels(cache, join(cache, "small"), [{ wheel: { ...wheel(), ...changes }, take }], () => undefined);
  const files = async () =>
    (await readdir(cache, { recursive: true, withFileTypes: true }))
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(cache.length + 1))
      .sort();

  it("extracts the requested files with their modes, and keeps nothing else", async () => {
    await unpack();
    expect(await files()).toEqual(["small/small/bin/program", "small/small/library.txt"]);
    await expect(execute(join(cache, "small/small/bin/program"))).resolves.toBeDefined();
  });

  it("downloads a wheel once", async () => {
    await unpack();
    const before = requests.length;
    await unpack();
    expect(requests).toHaveLength(before);
  });

  it("creates a folder once if two need it at the same time", async () => {
    await Promise.all([unpack(), unpack()]);
    expect(requests.filter((url) => url.startsWith("/files/"))).toHaveLength(1);
    expect(await files()).toHaveLength(2);
  });

  it("starts again after an interrupted run, and removes its remains", async () => {
    await unpack();
    await rm(join(cache, "small"), { recursive: true });
    const dead = 2 ** 22 + 1; // above the largest process id
    await mkdir(join(cache, `small.partial-${dead}/small`), { recursive: true });
    await writeFile(join(cache, `small.partial-${dead}/small/half`), "half");
    await writeFile(join(cache, "small.lock"), `${dead} ${hostname()}`);
    await unpack();
    expect(await files()).toEqual(["small/small/bin/program", "small/small/library.txt"]);
  });

  it("resumes with a wheel that was already downloaded", async () => {
    await expect(unpack({}, ["small/nothing"])).rejects.toThrow(
      "could not be unpacked: not in the wheel: small/nothing",
    );
    expect(existsSync(join(cache, "small"))).toBe(false);
    requests.length = 0;
    await unpack();
    expect(requests).toEqual([]);
  });

  it("rejects a wheel whose hash is not the pinned one", async () => {
    const pinned = "0".repeat(64);
    await expect(unpack({ sha256: pinned })).rejects.toMatchObject({
      message: `The downloaded small 1.0 has a wrong checksum: expected sha256 ${pinned}, received ${sha256}.`,
      remedy: expect.stringContaining("do not use the file"),
    });
    expect(await files()).toEqual([]);
  });

  it("stops before the download if the disk is too small", async () => {
    await expect(unpack({ unpacked: 1e12 })).rejects.toMatchObject({
      message: expect.stringMatching(
        /^There is not enough disk space in .*: 1,000,000,000,001 MB are needed, [\d,]+ MB are free\.$/,
      ),
      remedy: expect.stringContaining("NST_CACHE_DIR"),
    });
    expect(requests).toEqual([]);
  });

  it("stops if the package index cannot be reached", async () => {
    process.env.PIP_INDEX_URL = "http://127.0.0.1:1/";
    await expect(unpack()).rejects.toMatchObject({
      message: "small 1.0 could not be downloaded: the package index cannot be reached.",
      remedy: expect.stringContaining("HTTPS_PROXY"),
    });
  });

  it("stops if the package index lacks the wheel", async () => {
    await expect(unpack({ platform: "manylinux_2_17_s390x" })).rejects.toThrow(
      "The package index has no small 1.0 for manylinux_2_17_s390x.",
    );
  });

  it("stops without python3", async () => {
    process.env.PYTHON = join(cache, "no-such-python");
    await expect(unpack()).rejects.toMatchObject({
      message: "python3 is missing; set-up needs it, with pip, to fetch TensorFlow.",
      remedy: expect.stringContaining("apt install python3 python3-pip"),
    });
  });

  it("stops without pip", async () => {
    await execute(process.env.PYTHON ?? "python3", ["-m", "venv", "--without-pip", join(cache, "venv")]);
    process.env.PYTHON = join(cache, "venv/bin/python3");
    await expect(unpack()).rejects.toMatchObject({
      message: expect.stringMatching(/^pip for python3 is missing \(.*No module named pip\)\.$/),
      remedy: expect.stringContaining("apt install python3-pip"),
    });
  });

  it("stops if the cache folder cannot be made", async () => {
    await writeFile(join(cache, "file"), "");
    await expect(
      unpackWheels(
        join(cache, "file/cache"),
        join(cache, "file/cache/small"),
        [{ wheel: wheel(), take: [""] }],
        () => undefined,
      ),
    ).rejects.toThrow(/The cache folder .* cannot be made \(ENOTDIR\)/);
  });
});
