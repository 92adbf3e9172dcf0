import { execFile } from "node:child_process";
import { createServer } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, describe, expect, it } from "@jest/globals";
import { connectForRequests } from "../../src/redis/connection.ts";
import { NARROW_WEIGHTS, ProgramProcess } from "../support/harness/program.ts";
import { connected, TestRedis } from "../support/harness/redis.ts";
import { addressOf, TestClient } from "../support/harness/test-client.ts";
import { jpeg } from "../support/pictures.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const execute = promisify(execFile);
const folder = temporaryFolder();
const programs: ProgramProcess[] = [];

afterEach(async () => {
  for (const program of programs.splice(0)) await program.end();
});

function start(environment: NodeJS.ProcessEnv = {}): ProgramProcess {
  const program = new ProgramProcess("local/main.js", {
    DATA_DIR: join(folder(), "data"),
    NST_VGG19_WEIGHTS: NARROW_WEIGHTS,
    CHECKPOINT_SECONDS: "1",
    PORT: "0",
    REDIS_URL: "",
    ...environment,
  });
  programs.push(program);
  return program;
}

/** The worker said so for the `times`-th time. */
const readyForJobs = (program: ProgramProcess, times = 1) => {
  const isReady = ({ msg }: { msg: string }) => msg === "ready for jobs";
  return program.line((line) => isReady(line) && program.lines.filter(isReady).length >= times);
};

async function submitJob(client: TestClient, steps: number): Promise<string> {
  const options = { size: 32, steps, scales: 1, learning_rate: 0.01 };
  const pictures = [await jpeg({ seed: 1 }), await jpeg({ seed: 2 })] as const;
  return (await client.submit(pictures[0], [pictures[1]], options)).id;
}

describe("The whole service on one machine", () => {
  it("finishes a job although the service was killed during it and started again", async () => {
    const first = start();
    await readyForJobs(first);
    const client = new TestClient(await addressOf(first));
    const id = await submitJob(client, 300);
    let step = 0;
    while (step < 20) step = (await client.view(id)).progress?.step ?? 0;
    await first.end("SIGKILL"); // resolves when the last of its processes has closed its output

    const second = start();
    const { from_step } = await second.line(({ msg }) => msg === "job started");
    expect(from_step).toBeGreaterThan(0);
    const views = await new TestClient(await addressOf(second)).follow(id);
    expect(views.at(-1)).toMatchObject({ status: "succeeded", progress: { step: 300 } });
  });

  it("restarts an API, a worker or a Redis that was killed, and goes on working", async () => {
    const service = start();
    await readyForJobs(service);
    const firstAddress = await addressOf(service);
    for (const script of ["src/main.js", "workers/main.js", "redis-server"]) {
      process.kill(await childOf(service.pid, script), "SIGKILL");
    }
    await service.line(({ msg }) => msg === "the API was killed by SIGKILL; restarting in 0.5 s");
    await service.line(({ msg }) => msg === "the worker was killed by SIGKILL; restarting in 0.5 s");
    await service.line(({ msg }) => msg.startsWith("redis-server exited; restarting in 1 s."));
    const again = ({ msg }: { msg: string }) => /listening .*http:/i.test(msg) && !msg.includes(firstAddress);
    const { msg } = await service.line(again);
    const client = new TestClient(/http:\/\/\S+/.exec(msg)?.[0] ?? "");
    await readyForJobs(service, 2);
    const views = await client.follow(await submitJob(client, 20));
    expect(views.at(-1)?.status).toBe("succeeded");
  });

  it("uses the Redis that REDIS_URL names, and stops on SIGINT", async () => {
    const redis = await TestRedis.start();
    try {
      const service = start({ REDIS_URL: redis.url, DATA_DIR: join(folder(), "own-redis") });
      await readyForJobs(service);
      const connection = await connected(connectForRequests(redis.url));
      expect(await connection.dbsize()).toBeGreaterThan(0);
      connection.disconnect();
      await service.end("SIGINT");
      expect(service.exitCode).toBe(0);
    } finally {
      await redis.stop();
    }
  });

  it("reports a port that is taken, and starts nothing", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => server.once("listening", resolve));
    const address = server.address();
    const port = typeof address === "object" && address ? String(address.port) : "";
    const service = start({ PORT: port, DATA_DIR: join(folder(), "taken") });
    await service.exited();
    server.close();
    expect(service.exitCode).toBe(1);
    expect(service.output).toContain(`HOST, PORT: cannot listen at 127.0.0.1:${port}`);
  });

  it.each(["/dev/null", "/dev/null/data"])(
    "reports a data folder that cannot be created: %s",
    async (path) => {
      const program = start({ DATA_DIR: path });
      await program.exited();
      expect(program.output).toContain(
        `DATA_DIR: expected a folder that can be created and written, received ${path}`,
      );
      expect(program.exitCode).toBe(1);
    },
  );

  it("reports a wrong setting, and starts nothing", async () => {
    const service = start({ PORT: "eighty" });
    await expect(service.line(() => false)).rejects.toThrow("PORT: expected a whole number from 0 to 65535");
    expect(service.exitCode).toBe(1);
  });
});

/** The process that `parent` started with this in its command line. */
async function childOf(parent: number, text: string): Promise<number> {
  const { stdout } = await execute("ps", ["-A", "-o", "pid=,ppid=,args="]);
  for (const line of stdout.split("\n")) {
    const [pid, ppid] = line.trim().split(/\s+/).map(Number);
    if (ppid === parent && line.includes(text)) return pid ?? 0;
  }
  throw new Error(`no ${text} among:\n${stdout}`);
}
