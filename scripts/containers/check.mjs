// npm run containers:check [-- --gpu] [--keep]: builds the images without a Docker daemon, and has them paint a picture.
// --keep keeps the images, and reuses those that exist.
import { openAsBlob } from "node:fs";
import { cp, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runCommand } from "../setup/command.mjs";
import { runScript, SetupFailure } from "../setup/failure.mjs";
import { cacheFolder, ROOT } from "../setup/folders.mjs";
import { makeNodeImage, makeRedisImage, NODE_IMAGE } from "./base-images.mjs";
import { Buildah } from "./buildah.mjs";
import { ContainerStack } from "./chroot-stack.mjs";

const log = (line) => console.error(line);

await runScript(async () => {
  const worker = process.argv.includes("--gpu") ? "worker-gpu" : "worker-cpu";
  const keep = process.argv.includes("--keep");
  const buildah = new Buildah(join(cacheFolder(), "containers"));
  const context = await mkdtemp(join(tmpdir(), "nst-context-"));
  const stack = new ContainerStack(buildah, log);
  try {
    await makeNodeImage(buildah, log);
    await makeRedisImage(buildah, log);
    await fillContext(context);
    for (const target of ["api", worker]) {
      if (!keep || !(await buildah.has(`nst-${target}`))) await build(buildah, context, target);
    }
    await stack.start(worker);
    const picture = await paintThrough(stack.url);
    const file = join(ROOT, "demo-output/through-containers.png");
    await mkdir(join(ROOT, "demo-output"), { recursive: true });
    await writeFile(file, picture);
    await stack.check();
    await stack.stop();
    const sizes = {};
    for (const target of ["api", worker]) sizes[target] = await size(buildah, target);
    console.log(
      JSON.stringify({ built: ["api", worker], painted: file, bytes: picture.length, sizes_mib: sizes }),
    );
  } finally {
    await stack.kill();
    await buildah.run(["rm", "--all"]).catch(() => undefined);
    if (!keep) {
      for (const target of ["api", worker])
        await buildah.run(["rmi", `nst-${target}`]).catch(() => undefined);
    }
    await buildah.run(["rmi", "--prune", "--force"]).catch(() => undefined);
    await rm(context, { recursive: true, force: true });
  }
});

/** Copies the files that git knows, and the weights. @param {string} context */
async function fillContext(context) {
  const files = 'git ls-files -z --cached --others --exclude-standard | tar --null -T - -c | tar -x -C "$1"';
  const { code, output } = await runCommand("sh", ["-c", files, "sh", context], { cwd: ROOT });
  if (code !== 0) throw new SetupFailure(`The sources could not be copied:\n${output}`, "See its message.");
  const { findWeights } = await import(join(ROOT, "dist/workers/engine/weights/find-weights.js"));
  const weights = findWeights(ROOT, process.env.NST_VGG19_WEIGHTS || undefined);
  await cp(join(weights, ".."), join(context, "models/vgg19"), { recursive: true });
}

/** @param {Buildah} buildah @param {string} context @param {string} target */
async function build(buildah, context, target) {
  log(`building ${target}`);
  const started = performance.now();
  await buildah.run(
    [
      ...["bud", "--isolation", "chroot", "--pull-never", "--format", "docker", "--target", target],
      ...[
        "--build-arg",
        `NODE_IMAGE=${NODE_IMAGE}`,
        "--build-arg",
        "WEIGHTS=baked",
        "--tag",
        `nst-${target}`,
        ".",
      ],
    ],
    { cwd: context },
  );
  log(`built ${target} in ${Math.round((performance.now() - started) / 1000)} s`);
}

/** @param {string} url */
async function paintThrough(url) {
  const { NstClient } = await import("../../dist/clients/typescript/index.js");
  const [content, style] = await Promise.all(
    ["cat", "sandstone"].map((name) => openAsBlob(join(ROOT, `examples/${name}.jpg`))),
  );
  const submission = { content, style: [style], options: { preset: "draft", size: 192 } };
  const { picture: blob, job } = await new NstClient(url).paint(submission);
  const picture = Buffer.from(await blob.arrayBuffer());
  if (job.engine.device === "cpu" && job.engine.kernels === "tfjs") {
    throw new SetupFailure(
      "The worker's image lacks the kernels for CPUs.",
      "See scripts/containers/image/install-engine.mjs.",
    );
  }
  const { default: sharp } = await import("sharp");
  const { channels } = await sharp(picture).stats();
  if (channels.every(({ stdev }) => stdev < 1)) throw new SetupFailure("The result is a blank picture.", "");
  log(`painted ${job.id}: ${picture.length} bytes`);
  return picture;
}

/** @param {Buildah} buildah @param {string} target @returns {Promise<number>} MiB of what the image has beyond its base */
async function size(buildah, target) {
  const container = await buildah.run(["from", "--pull-never", `nst-${target}`]);
  const folder = await buildah.run(["mount", container]);
  const { output } = await runCommand("sh", [
    "-c",
    'du -sm "$1"/app "$1"/opt "$1"/models | awk "{s+=\\$1} END {print s}"',
    "sh",
    folder,
  ]);
  await buildah.run(["umount", container]);
  await buildah.run(["rm", container]);
  return Number(output);
}
