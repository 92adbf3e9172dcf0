import type { IncomingMessage, ServerResponse } from "node:http";
import cors from "@fastify/cors";
import type { onRequestHookHandler } from "fastify";
import helmet, { type HelmetOptions } from "helmet";
import type { Config } from "../../config.ts";
import type { App } from "../dependencies.ts";

declare module "fastify" {
  interface FastifyContextConfig {
    /** Set where the answer is a page, for which browsers have more rules than for data and pictures. */
    page?: boolean;
  }
}

/** Headers that say something of other answers too; what else there is holds for pages alone. */
const EVERYWHERE = [
  ...["cross-origin-resource-policy", "referrer-policy", "x-content-type-options", "x-frame-options"],
] as const;

/** What browsers are told: what the service's own pages may do, and which other sites' pages may ask it. */
export async function instructBrowsers(app: App, config: Config): Promise<void> {
  const page = headersOf({
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
  const data = Object.freeze({
    ...Object.fromEntries(EVERYWHERE.map((name) => [name, page[name]])),
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  });
  app.addHook("onRequest", (_request, reply, done) => {
    reply.headers(data);
    done();
  });
  app.addHook("onRoute", function (route) {
    if (!(route.config?.page ?? (this.hasDecorator("everyRoute") && this.everyRoute.page))) return;
    const instruct: onRequestHookHandler = (_request, reply, done) => {
      reply.headers(page);
      done();
    };
    route.onRequest = [instruct, ...[route.onRequest ?? []].flat()];
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
