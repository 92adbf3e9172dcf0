import { existsSync, readdirSync, readFileSync, realpathSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { ROOT } from "../../src/root.ts";
import { weightsCandidates } from "../engine/weights/find-weights.ts";

/** Where systems keep programs and libraries, and what programs read of the system. */
const SYSTEM = [
  ...["/usr", "/lib", "/lib64", "/bin", "/opt", "/nix/store", "/gnu/store"],
  ...["/proc", "/sys", "/dev/null", "/dev/zero", "/dev/random", "/dev/urandom"],
  ...["/etc/ld.so.cache", "/etc/localtime", "/etc/passwd", "/etc/nsswitch.conf", "/etc/ssl/openssl.cnf"],
];

/** The files and folders that the engine reads: the system's, Node's, its own code and libraries, and the weights. */
export function engineFiles(configuredWeights: string | undefined): string[] {
  const own = ["dist", "node_modules", "package.json"].map((name) => join(ROOT, name));
  const weights = weightsCandidates(ROOT, configuredWeights)
    // The shards lie beside a model.json.
    .map((path) => (path.endsWith(".json") ? dirname(path) : path))
    .flatMap((path) => [path, ...targets(path)]);
  return [...SYSTEM, ...own, process.execPath, ...libraries(), ...weights];
}

/** TensorFlow and the compiled addons, which set-up links to from the clone. */
function libraries(): string[] {
  const build = join(ROOT, "build");
  const addons = existsSync(build) ? readdirSync(build).filter((name) => name.endsWith(".node")) : [];
  const links = [
    ...addons.map((name) => join(build, name)),
    join(ROOT, "node_modules/@tensorflow/tfjs-node-gpu/lib/napi-v8/tfjs_binding.node"),
  ];
  const files = links.filter((path) => existsSync(path)).map((path) => realpathSync(path));
  const setup = join(build, "setup.json");
  const { tensorflow } = existsSync(setup) ? JSON.parse(readFileSync(setup, "utf8")) : {};
  return [...files, ...(typeof tensorflow === "string" ? [dirname(realpathSync(tensorflow))] : [])];
}

/** What the entries of a folder of links lead to. */
function targets(folder: string): string[] {
  try {
    return readdirSync(folder).map((name) => realpathSync(join(folder, name)));
  } catch {
    return []; // a file, or nothing
  }
}

/**
 * Paths that together are all of the file system but a folder: a rule can only allow. What is created later beside the folder,
 * or beside a parent of it, stays closed too.
 */
export function everythingBut(folder: string): string[] {
  const paths: string[] = [];
  for (let hidden = realpathSync(folder); dirname(hidden) !== hidden; hidden = dirname(hidden)) {
    const names = readdirSync(dirname(hidden)).filter((name) => name !== basename(hidden));
    paths.push(...names.map((name) => join(dirname(hidden), name)));
  }
  return paths;
}
