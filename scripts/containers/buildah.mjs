import { spawn } from "node:child_process";
import { join } from "node:path";
import { runCommand } from "../setup/command.mjs";
import { SetupFailure } from "../setup/failure.mjs";

/** Buildah without a daemon: images in a folder of their own, containers in a chroot. */
export class Buildah {
  /** @param {string} folder of all images and containers */
  constructor(folder) {
    this.folder = folder;
    this.options = [
      "--root",
      join(folder, "images"),
      "--runroot",
      join(folder, "run"),
      "--storage-driver",
      "vfs",
    ];
  }

  /** @param {string[]} args @param {{ cwd?: string, show?: boolean }} [options] @returns {Promise<string>} what it printed */
  async run(args, options = {}) {
    const { code, output } = await runCommand("buildah", [...this.options, ...args], options);
    if (code === "missing") {
      throw new SetupFailure("buildah is missing.", "Debian, Ubuntu: apt install buildah debootstrap");
    }
    if (code !== 0)
      throw new SetupFailure(`buildah ${args.join(" ")} failed:\n${output}`, "See its message.");
    return output.trim();
  }

  /** @param {string} image */
  async has(image) {
    const { code } = await runCommand("buildah", [...this.options, "inspect", "--type", "image", image]);
    return code === 0;
  }

  /** @param {string} image @returns {Promise<{ user: string, command: string[], health: string[] }>} */
  async settings(image) {
    const { Docker } = JSON.parse(await this.run(["inspect", "--type", "image", image]));
    const { User, Cmd, Healthcheck } = Docker.config;
    return { user: User, command: Cmd, health: (Healthcheck?.Test ?? []).slice(1) };
  }

  /**
   * Runs a command in a container as its image says, in the background.
   * @param {string} container @param {string[]} command @param {Record<string, string>} environment
   */
  start(container, command, environment = {}) {
    const child = spawn("buildah", [...this.options, ...runArguments(container, command, environment)], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    const program = { child, output: "" };
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text) => {
        program.output = (program.output + text).slice(-20_000);
      });
    }
    return program;
  }

  /** @param {string} container @param {string[]} command @param {Record<string, string>} [environment] */
  async execute(container, command, environment = {}) {
    return await this.run(runArguments(container, command, environment));
  }
}

/** @param {string} container @param {string[]} command @param {Record<string, string>} environment */
function runArguments(container, command, environment) {
  const variables = Object.entries(environment).flatMap(([name, value]) => ["--env", `${name}=${value}`]);
  return ["run", "--isolation", "chroot", ...variables, container, "--", ...command];
}
