import { createHash } from "node:crypto";
import { existsSync, lstatSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { mkdir, rm, symlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { createCacheEntry } from "./cache-entry.mjs";
import { runCommand } from "./command.mjs";
import { SetupFailure } from "./failure.mjs";

/**
 * @typedef {object} Addon
 * @property {string} name of the file, without .node
 * @property {string} sources the folder whose .cc files are compiled
 * @property {string[]} flags
 * @property {string} link the path in the clone that leads to the compiled addon
 */

/** Node-API is stable across Node's versions: one build serves them all. An npm package carries its headers. */
const NAPI_VERSION = 8;

/**
 * tfjs's binding, built as its binding.gyp does, but against TensorFlow's own library.
 * @param {string} root
 * @returns {Addon}
 */
export function tfjsBinding(root) {
  const folder = join(root, "node_modules/@tensorflow/tfjs-node-gpu");
  return {
    name: "tfjs_binding",
    sources: join(folder, "binding"),
    flags: ["-O3"],
    link: join(folder, `lib/napi-v${NAPI_VERSION}/tfjs_binding.node`),
  };
}

/** The processors that this project's kernels are compiled for, each with the compiler's flags. */
const PROCESSORS = {
  x64: {
    avx2: ["-mavx2", "-mfma"],
    avx512: ["-mavx512f", "-mavx512bw", "-mavx512dq", "-mavx512vl", "-mfma"],
  },
  arm64: { neon: [] },
};

/**
 * This project's own kernels, compiled for every processor of this architecture: a build runs on other machines too, and
 * the engine chooses the kernels when it starts.
 * @param {string} root
 * @returns {Addon[]}
 */
export function nativeKernels(root) {
  return Object.entries(PROCESSORS[process.arch] ?? {}).map(([processor, flags]) => ({
    name: `nst_kernels-${processor}`,
    sources: join(root, "workers/engine/native"),
    flags: ["-O3", `-DNST_PROCESSOR="${processor.replace(/^./, (first) => first.toUpperCase())}"`, ...flags],
    link: join(root, `build/nst_kernels-${processor}.node`),
  }));
}

/**
 * Compiles an addon into the cache, under a key of its sources, flags and TensorFlow, and links to it from the clone.
 * @param {string} root
 * @param {string} cache
 * @param {import("./tensorflow.mjs").TensorFlow} tensorflow
 * @param {Addon} addon
 * @param {(line: string) => void} log
 */
export async function installAddon(root, cache, tensorflow, addon, log) {
  const files = existsSync(addon.sources) ? readdirSync(addon.sources).sort() : [];
  const sources = files.filter((file) => file.endsWith(".cc"));
  if (sources.length === 0) return;
  const flags = [
    ...["-std=c++17", "-fPIC", "-shared", "-pthread", `-DNAPI_VERSION=${NAPI_VERSION}`, ...addon.flags],
    ...[`-I${join(root, "node_modules/node-api-headers/include")}`, `-I${tensorflow.include}`],
    ...sources.map((file) => join(addon.sources, file)),
    ...linkFlags(tensorflow),
  ];
  const hash = createHash("sha256").update(flags.join("\n").replaceAll(root, ""));
  for (const file of files.filter((name) => /\.(cc|h)$/.test(name))) {
    hash.update(`\n${file}\n`).update(readFileSync(join(addon.sources, file)));
  }
  const folder = join(cache, "addons", `${addon.name}-${tensorflow.key}-${hash.digest("hex").slice(0, 16)}`);
  await createCacheEntry(folder, async (partial) => {
    log(`compiling ${addon.name}`);
    await compile([...flags, "-o", join(partial, `${addon.name}.node`)], addon.name);
  });
  await linkTo(join(folder, `${addon.name}.node`), addon.link);
}

/** @param {import("./tensorflow.mjs").TensorFlow} tensorflow */
function linkFlags({ library }) {
  const rpath = `-Wl,-rpath,${library}`;
  if (process.platform === "darwin") {
    const libraries = ["libtensorflow_cc.2.dylib", "libtensorflow_framework.2.dylib"];
    return ["-undefined", "dynamic_lookup", ...libraries.map((name) => join(library, name)), rpath];
  }
  return [`-L${library}`, "-l:libtensorflow_cc.so.2", "-l:libtensorflow_framework.so.2", rpath];
}

/** @param {string[]} args the compiler's @param {string} name what they make */
export async function compile(args, name) {
  const compiler = process.env.CXX ?? "c++";
  const [command, ...first] = compiler.split(" ");
  const result = await runCommand(command ?? compiler, [...first, ...args]);
  if (result.code === "missing") {
    throw new SetupFailure(
      `A C++ compiler is missing (${compiler}); set-up needs it to build ${name}.`,
      "Debian, Ubuntu: apt install g++\nmacOS: xcode-select --install\nor set CXX to your compiler",
    );
  }
  if (result.code !== 0) {
    if (/No space left/i.test(result.output)) {
      throw new SetupFailure(
        `There is not enough disk space to compile ${name}.`,
        "Make room and run it again.",
      );
    }
    throw new SetupFailure(
      `${compiler} could not compile ${name}:\n${result.output.trim()}`,
      "See the compiler's message above; it must know C++17 (GCC 9, Clang 10 or newer).",
    );
  }
}

/** @param {string} target @param {string} link */
export async function linkTo(target, link) {
  const present = lstatSync(link, { throwIfNoEntry: false });
  if (present?.isSymbolicLink() && readlinkSync(link) === target) return;
  await mkdir(dirname(link), { recursive: true });
  await rm(link, { force: true });
  await symlink(target, link);
}
