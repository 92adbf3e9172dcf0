import { afterEach, describe, expect, it } from "@jest/globals";
import { connectForRequests, waitUntilReady } from "../../src/redis/connection.ts";
import { TestRedis } from "../support/harness/redis.ts";
import { until } from "../support/until.ts";

describe("Waiting for Redis", () => {
  let server: TestRedis | undefined;
  afterEach(() => server?.stop());

  it("continues after connection errors", async () => {
    server = await TestRedis.start();
    await server.kill();
    const redis = connectForRequests(server.url);
    const errors: Error[] = [];
    redis.on("error", (error: Error) => errors.push(error));
    const ready = waitUntilReady(redis);
    await until(() => errors.length >= 2);
    await server.start();
    await ready;
    expect(await redis.ping()).toBe("PONG");
    redis.disconnect();
  });
});
