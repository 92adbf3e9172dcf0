import { once } from "node:events";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { type AddressInfo, connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "@jest/globals";
import { type LogLine, ProgramProcess } from "./support/harness/program.ts";
import { TestRedis } from "./support/harness/redis.ts";
import { addressOf } from "./support/harness/test-client.ts";
import { form } from "./support/submission-form.ts";
import { until } from "./support/until.ts";

let redis: TestRedis;
let folder: string;
const programs: ProgramProcess[] = [];
beforeAll(async () => {
  redis = await TestRedis.start();
  folder = await mkdtemp(join(tmpdir(), "nst-main-"));
});
afterEach(async () => {
  for (const program of programs.splice(0)) await program.end("SIGKILL");
});
afterAll(async () => {
  await redis.stop();
  await rm(folder, { recursive: true, force: true });
});

function start(variables: Record<string, string> = {}): ProgramProcess {
  // Anonymous access is the default on loopback: keys are not tested here.
  const environment = {
    DATA_DIR: folder,
    REDIS_URL: redis.url,
    PORT: "0",
    LOG_LEVEL: "info",
    ANONYMOUS_ACCESS: "loopback",
  };
  const program = new ProgramProcess("src/main.js", { ...environment, ...variables });
  programs.push(program);
  return program;
}

async function startListening(variables: Record<string, string> = {}) {
  const api = start(variables);
  const url = await addressOf(api);
  return { api, url, port: Number(new URL(url).port) };
}

/** Whether the API has begun to store an upload. */
const hasBegunUpload = async () => (await readdir(join(folder, "spool")).catch(() => [])).length > 0;

describe("The API's process", () => {
  it("accepts jobs, logs JSON, and exits with 0 on SIGTERM", async () => {
    const { api, url } = await startListening();
    const response = await fetch(`${url}/v1/jobs`, { method: "POST", body: await form() });
    expect(response.status).toBe(202);
    expect(await api.end("SIGTERM")).toBe(0);
    expect(api.lines.every(({ service }) => service === "api")).toBe(true);
    expect(api.lines.at(-1)?.msg).toBe("stopped");
    expect(await readdir(join(folder, "spool"))).toEqual([]);
  });

  it("finishes an open request on SIGTERM, and accepts no new one", async () => {
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
    await until(hasBegunUpload);
    const ended = api.end("SIGTERM");
    await until(() =>
      fetch(`${url}/livez`).then(
        () => false,
        () => true,
      ),
    );
    socket.write(picture.subarray(500));
    expect(await answer).toMatch(/^HTTP\/1.1 202 /);
    expect(await ended).toBe(0);
  });

  it("stops waiting for an open request after SHUTDOWN_SECONDS", async () => {
    const { api, port } = await startListening({ SHUTDOWN_SECONDS: "1" });
    const socket = connect(port, "127.0.0.1");
    socket.on("error", () => undefined);
    socket.write(
      "POST /v1/jobs HTTP/1.1\r\nhost: localhost\r\ncontent-type: multipart/form-data; boundary=b\r\ncontent-length: 90000\r\n\r\n" +
        '--b\r\ncontent-disposition: form-data; name="content"; filename="a"\r\n\r\nhalf a picture',
    );
    await until(hasBegunUpload);
    expect(await api.end("SIGTERM")).toBe(0);
    expect(api.output).toContain("requests were still open after 1 s");
  });

  it("reports every wrong environment variable and exits with 1", async () => {
    const api = start({ PORT: "http", MAX_STYLES: "none" });
    expect(await api.exited()).toBe(1);
    expect(api.output).toContain("PORT: expected a whole number from 0 to 65535");
    expect(api.output).toContain("MAX_STYLES: expected a whole number from 1 to 16");
  });

  it.each([
    ["DATA_DIR", "/dev/null/data"],
    ["SPOOL_DIR", "/dev/null/spool"],
  ])("reports a folder that it cannot create: %s=%s", async (name, path) => {
    const api = start({ [name]: path });
    expect(await api.exited()).toBe(1);
    expect(api.output).toContain(
      `${name}: expected a folder that can be created and written, received ${path}`,
    );
  });

  it("reports that its port is in use", async () => {
    const other = createServer().listen(0, "127.0.0.1");
    await once(other, "listening");
    const api = start({ PORT: String((other.address() as AddressInfo).port) });
    expect(await api.exited()).toBe(1);
    other.close();
    expect(api.output).toMatch(/^HOST, PORT: .*(in use|EADDRINUSE)/m);
  });

  it("starts without Redis, and accepts jobs as soon as Redis is up", async () => {
    const late = await TestRedis.start();
    await late.kill();
    const { url } = await startListening({ REDIS_URL: late.url });
    const submit = async () => (await fetch(`${url}/v1/jobs`, { method: "POST", body: await form() })).status;
    expect(await submit()).toBe(503);
    await late.start();
    await until(async () => (await submit()) === 202);
    await late.stop();
  });

  it("logs one line when Redis goes down and one when it is back", async () => {
    const late = await TestRedis.start();
    await late.kill();
    const { api, url } = await startListening({ REDIS_URL: late.url });
    // Time itself is tested here: many attempts to connect fail meanwhile.
    await sleep(1_500);
    await late.start();
    await until(async () => (await fetch(`${url}/v1/jobs`)).ok);
    await api.end("SIGTERM");
    await late.stop();
    const isOf = ({ level, msg }: LogLine) =>
      (Number(level) >= 40 && !msg.startsWith("GET")) || msg.includes("Redis");
    expect(api.lines.filter(isOf)).toMatchObject([
      { msg: expect.stringMatching(/^Redis cannot be reached \(.+\); jobs are rejected until it is back$/) },
      { msg: "Redis is reachable again" },
    ]);
  });

  it("exits with 1 if Redis may evict keys, even if Redis comes up later", async () => {
    const evicting = await TestRedis.start();
    await evicting.kill();
    const { api } = await startListening({ REDIS_URL: evicting.url });
    await evicting.start("--maxmemory-policy", "allkeys-lru");
    expect(await api.exited()).toBe(1);
    expect(api.output).toContain("maxmemory-policy must be noeviction");
    const another = start({ REDIS_URL: evicting.url });
    expect(await another.exited()).toBe(1);
    await evicting.stop();
    expect(another.output).toContain("maxmemory-policy must be noeviction");
  });
});
