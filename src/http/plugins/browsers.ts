import type { IncomingMessage, ServerResponse } from "node:http";
import cors from "@fastify/cors";
import helmet, { type HelmetOptions } from "helmet";
import type { Config } from "../../config.ts";
import type { App } from "../dependencies.ts";

/** What browsers are told: what the service's own pages may do, and which other sites' pages may ask it. */
export async function instructBrowsers(app: App, config: Config): Promise<void> {
  const headers = headersOf({
    // The pages have no scripts but their own, and no other site may frame them.
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'self'"],
        imgSrc: ["'self'", "data:", "blob:", ...pictureHosts(config)],
        styleSrc: ["'self'", "'unsafe-inline'"],
        objectSrc: ["'none'"],
        baseUri: ["'none'"],
        frameAncestors: ["'none'"],
      },
    },
    // Whoever puts TLS before the service says so there.
    strictTransportSecurity: false,
  });
  app.addHook("onRequest", (_request, reply, done) => {
    reply.headers(headers);
    done();
  });
  if (config.corsOrigins.length === 0) return;
  await app.register(cors, {
    origin: config.corsOrigins,
    methods: ["GET", "HEAD", "POST", "PATCH", "DELETE"],
    allowedHeaders: [
      ...["authorization", "content-type", "idempotency-key", "if-none-match", "last-event-id"],
      ...["prefer", "range", "x-request-id"],
    ],
    exposedHeaders: [
      ...["etag", "location", "retry-after", "content-disposition", "x-request-id", "idempotency-replayed"],
      ...["preference-applied", "ratelimit", "ratelimit-policy"],
    ],
    maxAge: 600,
  });
}

/** What helmet sets: the same for every answer, so that it is asked once. */
function headersOf(options: HelmetOptions): Readonly<Record<string, string>> {
  const headers: Record<string, string> = {};
  const response = {
    setHeader: (name: string, value: string) => {
      headers[name.toLowerCase()] = value;
    },
    removeHeader: () => undefined,
  };
  helmet(options)({} as IncomingMessage, response as unknown as ServerResponse, () => undefined);
  return Object.freeze(headers);
}

/** Where links to results lead, which the pages must be allowed to show. */
function pictureHosts({ storage, linkSeconds }: Config): string[] {
  if (storage.type === "filesystem" || linkSeconds === 0) return [];
  const endpoint = storage.publicEndpoint ?? storage.endpoint;
  return [
    endpoint ? new URL(endpoint).origin : `https://${storage.bucket}.s3.${storage.region}.amazonaws.com`,
  ];
}
