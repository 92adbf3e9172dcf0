import { existsSync } from "node:fs";
import { cp, mkdir, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { runCommand } from "../setup/command.mjs";
import { SetupFailure } from "../setup/failure.mjs";

export const NODE_IMAGE = "docker.io/library/node:24-bookworm-slim";
/** This machine's certificate authorities (a proxy before the package registries may need one), and their path in the image. */
const TRUSTED = "/etc/ssl/certs/ca-certificates.crt";
const TRUSTED_INSIDE = "/etc/ssl/builder.crt";

export const REDIS_IMAGE = "docker.io/library/redis:stand-in";

/**
 * Replaces Node's own image if no image registry can be reached: the same Debian, made of its packages, and the Node that
 * runs this script.
 * @param {import("./buildah.mjs").Buildah} buildah @param {(line: string) => void} log
 */
export async function makeNodeImage(buildah, log) {
  if (await buildah.has(NODE_IMAGE)) return;
  log(`making ${NODE_IMAGE} with debootstrap`);
  const tree = join(buildah.folder, "debian");
  await rm(tree, { recursive: true, force: true });
  await mkdir(buildah.folder, { recursive: true });
  const { code, output } = await runCommand("debootstrap", ["--variant=minbase", "bookworm", tree]);
  if (code !== 0) {
    throw new SetupFailure(
      `debootstrap failed:\n${output}`,
      "Debian, Ubuntu: apt install debootstrap; run as root",
    );
  }
  await installNode(tree);
  await commit(buildah, tree, NODE_IMAGE);
  await rm(tree, { recursive: true });
}

/** @param {import("./buildah.mjs").Buildah} buildah @param {(line: string) => void} log */
export async function makeRedisImage(buildah, log) {
  if (await buildah.has(REDIS_IMAGE)) return;
  log("making an image with Debian's redis-server");
  const container = await buildah.run(["from", "--pull-never", NODE_IMAGE]);
  const install = "apt-get update && apt-get install --yes --no-install-recommends redis-server";
  await buildah.execute(container, ["sh", "-c", install]);
  await buildah.run(["config", "--user", "redis", "--cmd", "redis-server", container]);
  await buildah.run(["commit", "--rm", container, REDIS_IMAGE]);
}

/** Node and npm as the official image has them: below /usr/local, and a user with the number 1000. @param {string} tree */
async function installNode(tree) {
  const prefix = dirname(dirname(process.execPath));
  await cp(process.execPath, join(tree, "usr/local/bin/node"));
  await cp(join(prefix, "lib/node_modules/npm"), join(tree, "usr/local/lib/node_modules/npm"), {
    recursive: true,
  });
  const commands = [
    "ln -sf ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm",
    "ln -sf ../lib/node_modules/npm/bin/npx-cli.js /usr/local/bin/npx",
    "useradd --uid 1000 --create-home node",
    "rm -rf /var/cache/apt/archives/*.deb",
  ];
  if (existsSync(TRUSTED)) await cp(TRUSTED, join(tree, TRUSTED_INSIDE));
  const { code, output } = await runCommand("chroot", [tree, "sh", "-ec", commands.join("\n")]);
  if (code !== 0)
    throw new SetupFailure(`Node could not be put into the image:\n${output}`, "See its message.");
}

/** @param {import("./buildah.mjs").Buildah} buildah @param {string} tree @param {string} image */
async function commit(buildah, tree, image) {
  const container = await buildah.run(["from", "scratch"]);
  await buildah.run(["copy", "--quiet", container, tree, "/"]);
  const path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
  const trust = ["NODE_EXTRA_CA_CERTS", "PIP_CERT"].flatMap((name) => ["--env", `${name}=${TRUSTED_INSIDE}`]);
  await buildah.run(["config", "--env", path, ...trust, "--cmd", "node", container]);
  await buildah.run(["commit", "--rm", "--format", "docker", container, image]);
}
