import { once } from "node:events";
import { copyFile, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort } from "../free-port.mjs";
import { runCommand } from "../setup/command.mjs";
import { SetupFailure } from "../setup/failure.mjs";
import { cacheFolder } from "../setup/folders.mjs";
import { installS3Server } from "../setup/s3-server.mjs";
import { NODE_IMAGE, REDIS_IMAGE } from "./base-images.mjs";

const READY_MS = 180_000;
const S3_KEYS = { S3_ACCESS_KEY_ID: "containers", S3_SECRET_ACCESS_KEY: "containers-secret" };

/**
 * Redis, an S3 server, the API and a worker, each in its own container; they share only the network. A container runs its
 * image's command in a chroot, as the image's user, with the image's environment.
 */
export class ContainerStack {
  /** @param {import("./buildah.mjs").Buildah} buildah @param {(line: string) => void} log */
  constructor(buildah, log) {
    this.buildah = buildah;
    this.log = log;
    /** @type {Record<string, { container: string, program: ReturnType<typeof buildah.start>, health: string[] }>} */
    this.running = {};
    this.url = "";
  }

  /** @param {string} worker the worker's target */
  async start(worker) {
    const [redis, s3, api] = [await freePort(), await freePort(), await freePort()];
    this.url = `http://127.0.0.1:${api}`;
    const redisArguments = [
      "--port",
      redis,
      "--bind",
      "127.0.0.1",
      "--appendonly",
      "yes",
      "--dir",
      "/tmp",
    ].map(String);
    await this.run("redis", REDIS_IMAGE, [
      "redis-server",
      ...redisArguments,
      "--maxmemory-policy",
      "noeviction",
    ]);
    await this.startS3(s3);
    const environment = {
      ...{ REDIS_URL: `redis://127.0.0.1:${redis}`, HOST: "127.0.0.1", PORT: String(api) },
      ...{ STORAGE: "s3", S3_ENDPOINT: `http://127.0.0.1:${s3}`, S3_BUCKET: "nst", ...S3_KEYS },
    };
    await this.run("api", "nst-api", undefined, environment);
    await this.run("worker", `nst-${worker}`, undefined, environment);
    await this.untilReady();
  }

  /** @param {string} name @param {string} image @param {string[]} [command] the image's own if not given @param {Record<string, string>} [environment] */
  async run(name, image, command, environment) {
    const settings = await this.buildah.settings(image);
    const container = await this.buildah.run(["from", "--pull-never", image]);
    const program = this.buildah.start(container, command ?? settings.command, environment);
    this.running[name] = { container, program, health: settings.health };
    this.log(`${name}: started as user ${settings.user || "root"}`);
  }

  /** SeaweedFS, as docker-compose.yml has it. @param {number} port */
  async startS3(port) {
    const container = await this.buildah.run(["from", "--pull-never", NODE_IMAGE]);
    const folder = await this.buildah.run(["mount", container]);
    await copyFile(await installS3Server(cacheFolder(), this.log), join(folder, "usr/local/bin/weed"));
    const others = ["master", "volume", "filer", "webdav"];
    const ports = await Promise.all(
      others
        .flatMap((name) => [
          [name, "port"],
          [name, "port.grpc"],
        ])
        .filter(([name, kind]) => name !== "webdav" || kind === "port")
        .map(async ([name, kind]) => `-${name}.${kind}=${await freePort()}`),
    );
    const command = ["weed", "mini", "-dir=/data", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-admin.ui=false"];
    const s3 = [
      `-s3.port=${port}`,
      `-s3.port.grpc=${await freePort()}`,
      "-s3.port.iceberg=0",
      "-s3.port.lance=0",
    ];
    const environment = {
      AWS_ACCESS_KEY_ID: S3_KEYS.S3_ACCESS_KEY_ID,
      AWS_SECRET_ACCESS_KEY: S3_KEYS.S3_SECRET_ACCESS_KEY,
      S3_BUCKET: "nst",
    };
    const line = ["sh", "-c", `mkdir -p /data && exec ${[...command, ...ports, ...s3].join(" ")}`];
    this.running.s3 = { container, program: this.buildah.start(container, line, environment), health: [] };
    this.log("s3: started");
  }

  /** Runs the images' health checks in the running containers, and checks which files these wrote. */
  async check() {
    for (const name of ["api", "worker"]) {
      const { container, health } = this.running[name];
      const [kind, ...rest] = health;
      const environment = name === "api" ? { PORT: new URL(this.url).port } : {};
      await this.buildah.execute(container, kind === "CMD" ? rest : health, environment);
      this.log(`${name}: healthy`);
      const folder = await this.buildah.run(["mount", container]);
      const find =
        'find "$1" -xdev -newer "$1/app/package.json" -user 1000 -type f | sed "s,^$1,," | grep -vE "^/(data|tmp)/" || true';
      const { output } = await runCommand("sh", ["-c", find, "sh", folder]);
      if (output.trim() !== "")
        throw new SetupFailure(`${name} wrote outside of /data and /tmp:\n${output}`, "");
      this.log(`${name}: wrote to /data and /tmp only`);
    }
  }

  /** Stops the worker and then the API by SIGTERM, as Docker and Kubernetes do. */
  async stop() {
    for (const name of ["worker", "api"]) {
      const { program } = this.running[name];
      const started = performance.now();
      const ended = once(program.child, "close");
      for (const pid of await nodeBelow(program.child.pid)) process.kill(pid, "SIGTERM");
      const [code] = await ended;
      const seconds = ((performance.now() - started) / 1000).toFixed(1);
      if (code !== 0) throw new SetupFailure(`${name} exited with code ${code}:\n${program.output}`, "");
      this.log(`${name}: stopped by SIGTERM with code 0 after ${seconds} s`);
      delete this.running[name];
    }
  }

  async kill() {
    for (const { program } of Object.values(this.running)) {
      for (const pid of (await descendants(program.child.pid)).reverse()) {
        try {
          process.kill(pid, "SIGKILL");
        } catch {}
      }
    }
    this.running = {};
  }

  async untilReady() {
    const deadline = Date.now() + READY_MS;
    let last = "no answer";
    while (Date.now() < deadline) {
      for (const [name, { program }] of Object.entries(this.running)) {
        if (program.child.exitCode !== null) throw new SetupFailure(`${name} exited:\n${program.output}`, "");
      }
      const answer = await fetch(`${this.url}/readyz`).catch(() => undefined);
      if (answer?.ok) return;
      if (answer) last = await answer.text();
      await sleep(500);
    }
    const outputs = Object.entries(this.running).map(([name, { program }]) => `${name}:\n${program.output}`);
    throw new SetupFailure(
      `The service was not ready after ${READY_MS / 1000} s: ${last}\n${outputs.join("\n")}`,
      "",
    );
  }
}

/**
 * A process and its descendants, parents first. Every thread counts: a Go program starts children from any of them.
 * @param {number | undefined} pid @returns {Promise<number[]>}
 */
async function descendants(pid) {
  if (pid === undefined) return [];
  const threads = await readdir(`/proc/${pid}/task`).catch(() => []);
  const lists = await Promise.all(
    threads.map((thread) => readFile(`/proc/${pid}/task/${thread}/children`, "utf8").catch(() => "")),
  );
  const children = lists.join(" ").split(" ").filter(Boolean).map(Number);
  return [pid, ...(await Promise.all(children.map(descendants))).flat()];
}

/** The container's topmost Node process. @param {number | undefined} pid */
async function nodeBelow(pid) {
  for (const each of await descendants(pid)) {
    const command = await readFile(`/proc/${each}/cmdline`, "utf8").catch(() => "");
    if (/^([^\0]*\/)?node\0/.test(command)) return [each];
  }
  return [];
}
