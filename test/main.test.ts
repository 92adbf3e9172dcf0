import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { type AddressInfo, connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "@jest/globals";
import { freePorts } from "../local/free-ports.ts";
import { ROOT } from "../src/root.ts";
import { TestRedis } from "./support/harness/redis.ts";
import { form } from "./support/submission-form.ts";
import { until } from "./support/until.ts";

let redis: TestRedis;
let folder: string;
let child: ChildProcess | null = null;
beforeAll(async () => {
  redis = await TestRedis.start();
  folder = await mkdtemp(join(tmpdir(), "nst-main-"));
});
afterEach(() => {
  child?.kill("SIGKILL");
  child = null;
});
afterAll(async () => {
  await redis.stop();
  await rm(folder, { recursive: true, force: true });
});

function start(variables: Record<string, string>): ChildProcess {
  const environment = {
    PATH: process.env.PATH,
    NODE_ENV: "production",
    DATA_DIR: folder,
    REDIS_URL: redis.url,
  };
  child = spawn(process.execPath, [join(ROOT, "dist/src/main.js")], {
    env: { ...environment, ...variables },
  });
  return child;
}

async function startListening(variables: Record<string, string> = {}) {
  const [port = 0] = await freePorts(1);
  const api = start({ PORT: String(port), ...variables });
  const output = text(api.stdout ?? Readable.from([]));
  const url = `http://127.0.0.1:${port}`;
  for (let tries = 0; tries < 200; tries += 1) {
    if (
      await fetch(`${url}/livez`).then(
        ({ ok }) => ok,
        () => false,
      )
    )
      break;
    await sleep(50);
  }
  return { api, port, url, output };
}

describe("The API's process", () => {
  it("takes jobs, logs JSON, and stops with code 0 at SIGTERM", async () => {
    const { api, url, output } = await startListening();
    const response = await fetch(`${url}/v1/jobs`, { method: "POST", body: await form() });
    expect(response.status).toBe(202);
    const exit = once(api, "exit");
    api.kill("SIGTERM");
    expect((await exit)[0]).toBe(0);
    const lines = (await output)
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { msg: string; service: string });
    expect(lines.every(({ service }) => service === "api")).toBe(true);
    expect(lines.at(-1)?.msg).toBe("stopped");
    expect(await readdir(join(folder, "spool"))).toEqual([]);
  });

  it("finishes a request that is open when it is asked to stop, and takes no new one", async () => {
    const { api, port, url } = await startListening();
    const picture = Buffer.from(await new Response(await form()).arrayBuffer());
    const boundary = picture.toString("latin1").split("\r\n", 1)[0]?.slice(2);
    const socket = connect(port, "127.0.0.1");
    socket.write(
      `POST /v1/jobs HTTP/1.1\r\nhost: localhost\r\ncontent-type: multipart/form-data; boundary=${boundary}\r\n` +
        `content-length: ${picture.length}\r\n\r\n`,
    );
    socket.write(picture.subarray(0, 500));
    const answer = text(socket);
    await sleep(100);
    const exit = once(api, "exit");
    api.kill("SIGTERM");
    await sleep(200);
    await expect(fetch(`${url}/livez`)).rejects.toThrow();
    socket.write(picture.subarray(500));
    expect(await answer).toMatch(/^HTTP\/1.1 202 /);
    expect((await exit)[0]).toBe(0);
  });

  it("does not wait for ever for a request that never ends", async () => {
    const { api, port } = await startListening({ SHUTDOWN_SECONDS: "1" });
    const socket = connect(port, "127.0.0.1");
    socket.on("error", () => undefined);
    socket.write(
      "POST /v1/jobs HTTP/1.1\r\nhost: localhost\r\ncontent-type: multipart/form-data; boundary=b\r\ncontent-length: 9\r\n\r\n",
    );
    await sleep(100);
    const exit = once(api, "exit");
    api.kill("SIGTERM");
    expect((await exit)[0]).toBe(0);
  });

  it("names every wrong environment variable and exits with code 1", async () => {
    const api = start({ PORT: "http", MAX_STYLES: "none" });
    const [errors, [code]] = await Promise.all([text(api.stderr ?? Readable.from([])), once(api, "exit")]);
    expect(code).toBe(1);
    expect(errors).toContain("PORT: expected a whole number from 0 to 65535");
    expect(errors).toContain("MAX_STYLES: expected a whole number from 1 to 16");
  });

  it.each([
    ["DATA_DIR", "/proc/nst"],
    ["DATA_DIR", "/dev/null/data"],
    ["SPOOL_DIR", "/dev/null/spool"],
  ])("names a folder that cannot be: %s=%s", async (name, path) => {
    const api = start({ [name]: path });
    const [errors, [code]] = await Promise.all([text(api.stderr ?? Readable.from([])), once(api, "exit")]);
    expect(code).toBe(1);
    expect(errors).toContain(`${name}: expected a folder that can be written, or made, received ${path}`);
  });

  it("says that its port is taken", async () => {
    const other = createServer().listen(0, "127.0.0.1");
    await once(other, "listening");
    const api = start({ PORT: String((other.address() as AddressInfo).port) });
    const [errors, [code]] = await Promise.all([text(api.stderr ?? Readable.from([])), once(api, "exit")]);
    other.close();
    expect(code).toBe(1);
    expect(errors).toMatch(/^HOST, PORT: .*(in use|EADDRINUSE)/m);
  });

  it("starts without Redis, and takes jobs as soon as there is one", async () => {
    const late = await TestRedis.start();
    await late.kill();
    const { url } = await startListening({ REDIS_URL: late.url });
    const submit = async () => (await fetch(`${url}/v1/jobs`, { method: "POST", body: await form() })).status;
    expect(await submit()).toBe(503);
    await late.start();
    let status = 0;
    for (let tries = 0; tries < 100 && status !== 202; tries += 1) {
      status = await submit();
      if (status !== 202) await sleep(100);
    }
    await late.stop();
    expect(status).toBe(202);
  });

  it("tells in one line each that Redis is away and that it is back, and nothing more of it", async () => {
    const late = await TestRedis.start();
    await late.kill();
    const { api, url, output } = await startListening({ REDIS_URL: late.url });
    await sleep(1_500); // for some attempts
    await late.start();
    await until(async () => (await fetch(`${url}/v1/jobs`)).ok);
    await sleep(1_000);
    const exit = once(api, "exit");
    api.kill("SIGTERM");
    await exit;
    const lines = (await output).trim().split("\n");
    await late.stop();
    const told = lines.map((line) => JSON.parse(line) as { level: number; msg: string });
    const isOf = ({ level, msg }: { level: number; msg: string }) =>
      (level >= 40 && !msg.startsWith("GET")) || msg.includes("Redis");
    expect(told.filter(isOf)).toMatchObject([
      { msg: expect.stringMatching(/^Redis cannot be reached \(.+\); jobs are refused until it can$/) },
      { msg: "Redis is back" },
    ]);
  });

  it("refuses a Redis that may drop jobs, also one that comes later", async () => {
    const evicting = await TestRedis.start();
    await evicting.kill();
    const { api, output } = await startListening({ REDIS_URL: evicting.url });
    const exit = once(api, "exit");
    await evicting.start("--maxmemory-policy", "allkeys-lru");
    expect((await exit)[0]).toBe(1);
    expect(await output).toContain("maxmemory-policy must be noeviction");
    const another = start({ REDIS_URL: evicting.url });
    const [errors, [code]] = await Promise.all([
      text(another.stderr ?? Readable.from([])),
      once(another, "exit"),
    ]);
    await evicting.stop();
    expect(code).toBe(1);
    expect(errors).toContain("maxmemory-policy must be noeviction");
  });
});
