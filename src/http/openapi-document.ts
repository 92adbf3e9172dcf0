import { pino } from "pino";
import { readConfig } from "../config.ts";
import { connectForRequests } from "../queue/connection.ts";
import { QueueKeys } from "../queue/keys.ts";
import { RedisJobQueue } from "../queue/redis-job-queue.ts";
import { FilesystemBlobStore } from "../storage/filesystem.ts";
import { buildApp } from "./app.ts";

/** The contract as YAML. The app behind it is asked for nothing, so that its Redis need not be there. */
export async function openApiDocument(): Promise<string> {
  const config = readConfig({});
  const queue = new RedisJobQueue(connectForRequests("redis://127.0.0.1:1"), new QueueKeys("none"));
  const store = new FilesystemBlobStore(config.blobDirectory);
  const app = await buildApp({ config, logger: pino({ level: "silent" }), queue, store });
  try {
    await app.ready();
    return app.swagger({ yaml: true });
  } finally {
    await app.close();
    await queue.close();
  }
}
