import { pino } from "pino";
import { readConfig } from "../../config.ts";
import { connectForRequests } from "../../redis/connection.ts";
import { RedisKeys } from "../../redis/keys.ts";
import { buildApp } from "../app.ts";
import { createDependencies } from "../dependencies.ts";

/** The OpenAPI document as YAML. The app handles no request, so it needs no Redis. */
export async function openApiDocument(): Promise<string> {
  const redis = connectForRequests("redis://127.0.0.1:1");
  const logger = pino({ level: "silent" });
  const dependencies = await createDependencies(readConfig({}), logger, redis, new RedisKeys("none"));
  const app = await buildApp(dependencies);
  try {
    await app.ready();
    return app.swagger({ yaml: true });
  } finally {
    await app.close();
    await dependencies.queue.close();
  }
}
