import cors from "@fastify/cors";
import fp from "fastify-plugin";
import type { ApiPlugin } from "../dependencies.ts";

/** Lets the pages of configured sites call the API from a browser. */
const crossOriginRequests: ApiPlugin = async (app, { config }) => {
  if (config.corsOrigins.length === 0) return;
  await app.register(cors, {
    origin: config.corsOrigins,
    methods: ["GET", "HEAD", "POST", "PATCH", "DELETE"],
    allowedHeaders: [
      ...["authorization", "content-type", "idempotency-key", "if-none-match", "last-event-id"],
      ...["traceparent", "tracestate"],
      ...["prefer", "range", "x-request-id"],
    ],
    exposedHeaders: [
      ...["etag", "location", "retry-after", "content-disposition", "x-request-id", "idempotency-replayed"],
      ...["preference-applied", "ratelimit", "ratelimit-policy"],
    ],
    maxAge: 600,
  });
};

export default fp(crossOriginRequests, { name: "cors" });
