// The baseline for bench/service/api.ts: one Fastify route that answers with one Redis GET. Prints its port.
import type { AddressInfo } from "node:net";
import fastify from "fastify";
import { connectForRequests, waitUntilReady } from "../../src/redis/connection.ts";

const [url = ""] = process.argv.slice(2);
const redis = connectForRequests(url);
await waitUntilReady(redis);
const app = fastify();
app.get<{ Params: { id: string } }>("/jobs/:id", async (request, reply) => {
  reply.header("content-type", "application/json; charset=utf-8");
  return await redis.get(request.params.id);
});
await app.listen({ host: "127.0.0.1", port: 0 });
console.log((app.server.address() as AddressInfo).port);
