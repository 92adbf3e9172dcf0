import { join } from "node:path";
import autoload from "@fastify/autoload";
import fastify, { type FastifyBaseLogger, LogController } from "fastify";
import { toIpAddress } from "../auth/client-address.ts";
import type { Config } from "../config.ts";
import { contains, parseNetworks } from "../net/public-address.ts";
import type { App, Dependencies } from "./dependencies.ts";
import authentication from "./plugins/authentication.ts";
import bodies, { BODY_LIMIT } from "./plugins/bodies.ts";
import concurrencyLimits from "./plugins/concurrency-limits.ts";
import cors from "./plugins/cors.ts";
import errorHandler from "./plugins/error-handler.ts";
import metrics from "./plugins/metrics.ts";
import notFound from "./plugins/not-found.ts";
import openapi from "./plugins/openapi.ts";
import rateLimits from "./plugins/rate-limits.ts";
import requestLog, { requestId, requestLogger } from "./plugins/request-log.ts";
import securityHeaders from "./plugins/security-headers.ts";
import shutdown from "./plugins/shutdown.ts";
import { sendFrameworkError, writeClientError } from "./problem-response.ts";
import { validatorCompiler } from "./validation.ts";

/** In this order their `onRequest` hooks run. */
const PLUGINS = [
  ...[requestLog, errorHandler, shutdown, securityHeaders, cors, notFound],
  ...[authentication, rateLimits, bodies, concurrencyLimits, openapi, metrics],
];

/** The whole API; it does not listen. */
export async function buildApp(dependencies: Dependencies): Promise<App> {
  const { config } = dependencies;
  const logger: FastifyBaseLogger = dependencies.logger;
  const app: App = fastify({
    loggerInstance: logger,
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: "request_id" }),
    requestIdHeader: false,
    genReqId: requestId,
    childLoggerFactory: requestLogger,
    bodyLimit: BODY_LIMIT,
    // A machine that has much else to do takes longer than the default of 10 s.
    pluginTimeout: 60_000,
    ...timeouts(config),
    trustProxy: trustedProxies(config),
    forceCloseConnections: "idle",
    return503OnClosing: false,
    clientErrorHandler: writeClientError,
    frameworkErrors: sendFrameworkError,
    routerOptions: { maxParamLength: 200, ignoreTrailingSlash: true },
  });
  app.setValidatorCompiler(validatorCompiler("invalid_request"));
  // Typed code creates the responses, and tests check them against openapi.yaml. Validating each would take a third of
  // the time of a poll.
  app.setSerializerCompiler(() => JSON.stringify);
  for (const plugin of PLUGINS) await app.register(plugin, dependencies);
  await app.register(autoload, {
    dir: join(import.meta.dirname, "routes"),
    options: dependencies,
    routeParams: true,
    // Otherwise autoload ignores the other files of a folder with an index file.
    indexPattern: /^$/,
  });
  return app;
}

/** Whether the sender of a request, or a proxy before it, is believed; a proxy's address may have a port. */
function trustedProxies({ trustedProxies: list }: Config): false | ((address: string) => boolean) {
  const networks = parseNetworks(list);
  return list.length > 0 && ((address) => contains(networks, toIpAddress(address)));
}

/** How long a client may take to send the headers and the whole request, and how long a connection may be silent. */
function timeouts({ limits }: Config) {
  const headersTimeout = Math.min(limits.headersSeconds, limits.requestSeconds) * 1000;
  return {
    requestTimeout: limits.requestSeconds * 1000,
    keepAliveTimeout: limits.keepAliveSeconds * 1000,
    connectionTimeout: (Math.max(limits.requestSeconds, limits.waitSeconds) + 30) * 1000,
    http: { headersTimeout, connectionsCheckingInterval: Math.min(5_000, headersTimeout) },
  };
}
