// npm run distill [-- --steps N --hours H]: sets up Python, and distils VGG-19 into a compact network. See distill/README.md.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { runCommand } from "./setup/command.mjs";
import { runScript, SetupFailure } from "./setup/failure.mjs";
import { cacheFolder, ROOT } from "./setup/folders.mjs";
import { setUp } from "./setup/set-up.mjs";

const PACKAGES = ["torch==2.15.0", "numpy==2.4.6", "pillow==13.0.0"];

await runScript(async () => {
  const log = (/** @type {string} */ line) => console.error(`distill: ${line}`);
  await setUp({ log });
  const cache = join(cacheFolder(), "distill");
  const python = await installPython(cache, log);
  const teacher = await writeTeacher(cache);
  const output = join(ROOT, "models", "compact");
  const places = ["--teacher", teacher, "--cache", cache, "--output", output];
  const child = spawn(python, [join(ROOT, "distill", "main.py"), ...places, ...process.argv.slice(2)], {
    stdio: "inherit",
    // Threads that wait for each other leave the cores to others.
    env: { ...process.env, OMP_WAIT_POLICY: "PASSIVE", PYTHONDONTWRITEBYTECODE: "1" },
  });
  await new Promise((resolve) => {
    child.on("close", (code) => {
      process.exitCode = code ?? 1;
      resolve(undefined);
    });
  });
});

/**
 * A Python of its own with PyTorch, which only this command needs.
 * @param {string} cache @param {(line: string) => void} log
 */
async function installPython(cache, log) {
  const folder = join(cache, "python");
  const python = join(folder, "bin", "python");
  const done = join(folder, `${PACKAGES.join(" ")}.installed`);
  if (existsSync(done)) return python;
  log(`installing ${PACKAGES.join(", ")} (4 GB, with the libraries for graphics cards)`);
  const steps = [
    ["python3", "-m", "venv", folder],
    [python, "-m", "pip", "install", "--quiet", ...PACKAGES],
  ];
  for (const [program = "", ...rest] of steps) {
    const { code, output } = await runCommand(program, rest);
    if (code !== 0) throw new SetupFailure(`${program} failed:\n${output.trim()}`, "Fix the error above.");
  }
  await writeFile(done, "");
  return python;
}

/**
 * VGG-19's weights as plain files, from wherever and in whichever form the engine has them.
 * @param {string} cache
 */
async function writeTeacher(cache) {
  /** @param {string} path */
  const load = (path) => import(pathToFileURL(join(ROOT, "dist", path)).href);
  const { findWeights } = await load("workers/engine/weights/find-weights.js");
  const { loadWeights } = await load("workers/engine/weights/load.js");
  const { writeWeights } = await load("bench/engine/write-weights.js");
  const folder = join(cache, "vgg19");
  await mkdir(folder, { recursive: true });
  await writeWeights(
    folder,
    await loadWeights(findWeights(ROOT, process.env.NST_VGG19_WEIGHTS || undefined)),
  );
  return folder;
}
