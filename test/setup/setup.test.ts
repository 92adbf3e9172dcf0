import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { ROOT } from "../../src/root.ts";

const { cacheFolder } = await import(`${ROOT}/scripts/setup/folders.mjs`);
const { isRecentEnough } = await import(`${ROOT}/scripts/setup/redis.mjs`);
const { checkPlatform } = await import(`${ROOT}/scripts/setup/tensorflow.mjs`);
const { packagesMatch } = await import(`${ROOT}/scripts/setup/packages.mjs`);
const { compile } = await import(`${ROOT}/scripts/setup/build.mjs`);

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "nst-"));
});

afterEach(async () => {
  await rm(folder, { recursive: true });
});

/** A folder with links to some programs only, for PATH. */
async function onlyOnPath(...programs: string[]): Promise<string> {
  const bin = join(folder, "bin");
  await mkdir(bin);
  for (const program of programs) {
    const found = (process.env.PATH ?? "").split(":").map((entry) => join(entry, program));
    for (const path of found) await symlink(path, join(bin, program)).catch(() => undefined);
  }
  return bin;
}

/** Runs a script of the project with other environment variables. */
function runScript(script: string, args: string[], environment: NodeJS.ProcessEnv) {
  return new Promise<{ code: number; stdout: string; stderr: string }>((resolve) => {
    const options = { env: { ...process.env, ...environment } };
    execFile(process.execPath, [script, ...args], options, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
    });
  });
}

/** A clone with its npm packages and TensorFlow, whose addons are not compiled yet. */
async function cloneToCompile(cache: string): Promise<string> {
  const clone = join(folder, "clone");
  for (const part of ["scripts", "package.json", "package-lock.json"]) {
    await cp(join(ROOT, part), join(clone, part), { recursive: true });
  }
  const packages = join(clone, "node_modules");
  await mkdir(join(packages, "@tensorflow"), { recursive: true });
  for (const name of await readdir(join(ROOT, "node_modules"))) {
    if (name !== "@tensorflow") await symlink(join(ROOT, "node_modules", name), join(packages, name));
  }
  const binding = "@tensorflow/tfjs-node-gpu/binding";
  await cp(join(ROOT, "node_modules", binding), join(packages, binding), { recursive: true });
  const shared = cacheFolder();
  for (const name of await readdir(shared)) {
    if (name.startsWith("tensorflow-")) {
      await mkdir(cache, { recursive: true });
      await symlink(join(shared, name), join(cache, name));
    }
  }
  return clone;
}

describe("Set-up", () => {
  it("does nothing if nothing is missing", async () => {
    await runScript(join(ROOT, "scripts/setup.mjs"), [], {});
    const { code, stdout, stderr } = await runScript(join(ROOT, "scripts/setup.mjs"), [], {});
    expect({ code, stderr }).toEqual({ code: 0, stderr: expect.not.stringContaining("compiling") });
    expect(stdout).toMatch(/^Set up \(\d\.\d s\)\.\n$/);
  });

  it("stops with one message and exit code 1 if python3 is missing", async () => {
    const { code, stderr } = await runScript(join(ROOT, "scripts/setup.mjs"), [], {
      PATH: await onlyOnPath("node"),
      NST_CACHE_DIR: join(folder, "cache"),
    });
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: [
        "",
        "Stopped: python3 is missing; set-up needs it, with pip, to fetch TensorFlow.",
        "To do:   Debian, Ubuntu: apt install python3 python3-pip",
        "         macOS: brew install python3",
        "",
      ].join("\n"),
    });
  });

  it("stops if there is no C++ compiler", async () => {
    const cache = join(folder, "cache");
    const clone = await cloneToCompile(cache);
    const { code, stderr } = await runScript(join(clone, "scripts/setup.mjs"), [], {
      PATH: await onlyOnPath("node"),
      NST_CACHE_DIR: cache,
    });
    expect(code).toBe(1);
    expect(stderr).toContain(
      "Stopped: A C++ compiler is missing (c++); set-up needs it to build tfjs_binding.\nTo do:   Debian, Ubuntu: apt install g++",
    );
  });

  it("shows the compiler's message if it fails, and leaves no partial files", async () => {
    const cache = join(folder, "cache");
    const clone = await cloneToCompile(cache);
    await writeFile(
      join(clone, "node_modules/@tensorflow/tfjs-node-gpu/binding/tfjs_binding.cc"),
      "#error broken\n",
    );
    const { code, stderr } = await runScript(join(clone, "scripts/setup.mjs"), [], { NST_CACHE_DIR: cache });
    expect(code).toBe(1);
    expect(stderr).toContain("Stopped: c++ could not compile tfjs_binding:");
    expect(stderr).toContain("error: #error broken");
    expect(await readdir(join(cache, "addons"))).toEqual([]);
  });

  it("stops if packages are missing and npm too", async () => {
    const clone = join(folder, "clone");
    for (const part of ["scripts", "package.json", "package-lock.json"]) {
      await cp(join(ROOT, part), join(clone, part), { recursive: true });
    }
    const { code, stderr } = await runScript(join(clone, "scripts/setup.mjs"), [], {
      PATH: await onlyOnPath("node"),
      npm_execpath: undefined,
    });
    expect(code).toBe(1);
    expect(stderr).toContain("Stopped: npm is missing.");
  });

  it("stops if the npm registry cannot be reached", async () => {
    const clone = join(folder, "clone");
    for (const part of ["scripts", "package.json", "package-lock.json"]) {
      await cp(join(ROOT, part), join(clone, part), { recursive: true });
    }
    const { code, stderr } = await runScript(join(clone, "scripts/setup.mjs"), [], {
      npm_config_registry: "http://127.0.0.1:1/",
      npm_config_cache: join(folder, "npm"),
      npm_config_fetch_retries: "0",
    });
    expect(code).toBe(1);
    expect(stderr).toContain(
      "Stopped: The npm packages could not be downloaded: the npm registry cannot be reached.",
    );
  });

  it("rejects an unknown argument", async () => {
    const { code, stderr } = await runScript(join(ROOT, "scripts/setup.mjs"), ["--tpu"], {});
    expect(code).toBe(1);
    expect(stderr).toContain("Stopped: Set-up takes --cpu or --gpu, not --tpu.");
  });
});

describe("The parts of set-up", () => {
  it("keep the cache in the folder that the environment names", () => {
    expect(cacheFolder({ NST_CACHE_DIR: "/a/b" })).toBe("/a/b");
    expect(cacheFolder({ XDG_CACHE_HOME: "/x" })).toBe("/x/nst");
    expect(cacheFolder({})).toMatch(/\/\.cache\/nst$/);
  });

  it.each([
    ["Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.3.0 bits=64", true],
    ["Redis server v=6.2.0 sha=00000000:0", true],
    ["Redis server v=6.0.16 sha=00000000:0", false],
    ["Redis server v=5.0.14", false],
    ["Valkey server v=8.1.1 sha=00000000:0", true],
    ["something else", false],
  ])("take %s: %s", (version, taken) => {
    expect(isRecentEnough(version)).toBe(taken);
  });

  it("reject platforms without a TensorFlow", async () => {
    expect(() => checkPlatform("win32", "x64")).toThrow("has no build for win32-x64");
    expect(() => checkPlatform("darwin", "x64")).toThrow("has no build for darwin-x64");
    await writeFile(join(folder, "ld-musl-x86_64.so.1"), "");
    expect(() => checkPlatform("linux", "x64", folder)).toThrow("this Linux has musl");
    await rm(join(folder, "ld-musl-x86_64.so.1"));
    expect(checkPlatform("linux", "arm64", folder)).toBe("linux-arm64");
  });

  it("detect that node_modules differs from the lock file", async () => {
    const write = async (path: string, packages: object) => {
      await mkdir(dirname(join(folder, path)), { recursive: true });
      await writeFile(join(folder, path), JSON.stringify({ packages }));
    };
    const wanted = {
      "": { name: "nst" },
      "node_modules/a": { version: "1.0.0" },
      "node_modules/other-platform": { version: "1.0.0", optional: true, os: ["aix"] },
      "node_modules/fallback": { version: "1.0.0", optional: true },
    };
    await write("package-lock.json", wanted);
    expect(packagesMatch(folder)).toBe(false);
    await write("node_modules/.package-lock.json", { "node_modules/a": { version: "1.0.0" } });
    expect(packagesMatch(folder)).toBe(true);
    await write("node_modules/.package-lock.json", { "node_modules/a": { version: "0.9.0" } });
    expect(packagesMatch(folder)).toBe(false);
    await write("node_modules/.package-lock.json", { ...wanted, "node_modules/b": { version: "1.0.0" } });
    expect(packagesMatch(folder)).toBe(false);
  });

  it("detect a missing optional package that carries a program for this platform", async () => {
    const program = { version: "1.0.0", optional: true, os: [process.platform], cpu: [process.arch] };
    const others = { "node_modules/for-aix": { ...program, os: ["aix"] }, "node_modules/for-any": program };
    await writeFile(join(folder, "package-lock.json"), JSON.stringify({ packages: others }));
    await mkdir(join(folder, "node_modules"));
    const installed = join(folder, "node_modules/.package-lock.json");
    // As `npm ci --omit=optional` leaves it, or node_modules copied from another platform.
    await writeFile(installed, JSON.stringify({ packages: { "node_modules/for-aix": program } }));
    expect(packagesMatch(folder)).toBe(false);
    await writeFile(installed, JSON.stringify({ packages: { "node_modules/for-any": program } }));
    expect(packagesMatch(folder)).toBe(true);
  });

  it("compile TypeScript, copy Lua scripts and remove the output of a source that is gone", async () => {
    await symlink(join(ROOT, "node_modules"), join(folder, "node_modules"));
    const options = {
      compilerOptions: { rootDir: ".", outDir: "dist", sourceMap: true, types: [] },
      include: ["src"],
    };
    const files = {
      "tsconfig.json": JSON.stringify(options),
      "src/a.ts": "export const a = 1;",
      "src/lua/a.lua": "return 1",
      "dist/src/http/routes/gone.js": "",
      "dist/src/http/routes/gone.js.map": "",
      "dist/src/lua/gone.lua": "",
    };
    for (const [file, content] of Object.entries(files)) {
      await mkdir(dirname(join(folder, file)), { recursive: true });
      await writeFile(join(folder, file), content);
    }
    expect(await compile(folder)).toEqual({ code: 0, output: "" });
    const compiled = await readdir(join(folder, "dist"), { recursive: true, withFileTypes: true });
    const names = compiled.filter((entry) => entry.isFile()).map(({ name }) => name);
    expect(names.sort()).toEqual(["a.js", "a.js.map", "a.lua"]);
  });
});
