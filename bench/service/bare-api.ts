// The least that an API can be which answers from Redis: Fastify, one GET, one command. Prints its port.
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import fastify from "fastify";
import { connectForRequests } from "../../src/redis/connection.ts";

const [url = ""] = process.argv.slice(2);
const redis = connectForRequests(url);
if (redis.status !== "ready") await once(redis, "ready");
const app = fastify();
app.get<{ Params: { id: string } }>("/jobs/:id", async (request, reply) => {
  reply.header("content-type", "application/json; charset=utf-8");
  return await redis.get(request.params.id);
});
await app.listen({ host: "127.0.0.1", port: 0 });
console.log((app.server.address() as AddressInfo).port);
