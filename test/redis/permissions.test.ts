import { afterAll, beforeAll, expect, it } from "@jest/globals";
import { pino } from "pino";
import { checkServer } from "../../src/redis/check-server.ts";
import { connectForRequests } from "../../src/redis/connection.ts";
import { isRedisUnavailable } from "../../src/redis/errors.ts";
import { connected } from "../support/harness/redis.ts";
import { TestService } from "../support/harness/service.ts";

let service: TestService;
beforeAll(async () => {
  service = await TestService.start();
});
afterAll(() => service.stop());

it("rejects a Redis user that may not run scripts", async () => {
  await service.redis.call(...("ACL SETUSER weak on >secret ~* &* +@all -@scripting".split(" ") as [string]));
  const redis = await connected(connectForRequests(service.redisServer.url));
  await redis.call("AUTH", "weak", "secret");
  try {
    await expect(checkServer(redis, pino({ level: "silent" }))).rejects.toThrow(
      /REDIS_URL: the Redis user needs permission for all commands, scripts included .*NOPERM/,
    );
  } finally {
    redis.disconnect();
  }
});

it("counts a permission that is taken away as an outage: clients get 503", async () => {
  await service.redis.call(...("ACL SETUSER default -@scripting".split(" ") as [string]));
  try {
    const error = await service.redis.eval("return 1", 0).catch((reason: unknown) => reason);
    expect(isRedisUnavailable(error)).toBe(true);
    const response = await service.fetch("/v1/jobs");
    expect([response.status, await response.json()]).toMatchObject([503, { code: "unavailable" }]);
  } finally {
    await service.redis.call(...("ACL SETUSER default +@all".split(" ") as [string]));
  }
});
