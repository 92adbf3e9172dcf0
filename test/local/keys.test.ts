import { execFile } from "node:child_process";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { freePorts } from "../../local/free-ports.ts";
import { connectForRequests } from "../../src/redis/connection.ts";
import { ROOT } from "../../src/root.ts";
import { connected, TestRedis } from "../support/harness/redis.ts";

let redis: TestRedis;
beforeAll(async () => {
  redis = await TestRedis.start();
});
afterAll(() => redis.stop());

/** Runs the command as a process: its exit code and output. */
function keys(words: string[], environment: NodeJS.ProcessEnv) {
  return new Promise<{ code: number | null; out: string; err: string }>((resolve) => {
    const env = { PATH: process.env.PATH, ...environment };
    const script = join(ROOT, "dist/local/keys.js");
    const child = execFile(process.execPath, [script, ...words], { env }, (_error, out, err) =>
      resolve({ code: child.exitCode, out, err }),
    );
  });
}

describe("npm run keys", () => {
  it("creates a key in the Redis that is named, and lists it", async () => {
    const environment = { REDIS_URL: redis.url };
    const { code, out } = await keys(["create", "--owner", "anna"], environment);
    expect([code, out]).toEqual([0, expect.stringMatching(/^nst_\w+_\S+\n$/)]);
    expect((await keys(["list"], environment)).out).toContain("anna");
  });

  it("reports a wrong setting in one line", async () => {
    const { code, err } = await keys(["list"], { REDIS_URL: redis.url, PORT: "eighty" });
    expect([code, err.split("\n")]).toEqual([
      1,
      ["Invalid environment variables:", expect.stringMatching(/^ {2}PORT: expected /), ""],
    ]);
  });

  it("reports a wrong password as such, not as an unreachable Redis", async () => {
    const [port] = await freePorts(1);
    await redis.kill();
    await redis.start("--port", String(port));
    const administrator = await connected(connectForRequests(redis.url));
    await administrator.call("CONFIG", "SET", "requirepass", "right");
    administrator.disconnect();
    const { code, err } = await keys(["list"], { REDIS_URL: `redis://:wrong@127.0.0.1:${port}` });
    expect(code).toBe(1);
    expect(err).toMatch(/^REDIS_URL: Redis rejects the user or password.*\n$/);
  });
});
