import fastify, { type FastifyBaseLogger, LogController } from "fastify";
import { validatorCompiler } from "fastify-type-provider-zod";
import type { Config } from "../config.ts";
import { limitAdmission } from "./admission/admission.ts";
import type { App, Dependencies } from "./dependencies.ts";
import { exposeMetrics } from "./metrics/expose-metrics.ts";
import { authenticate } from "./plugins/authentication.ts";
import { instructBrowsers } from "./plugins/browsers.ts";
import { closeConnections } from "./plugins/closing.ts";
import { describeApi } from "./plugins/openapi.ts";
import { answerProblems, frameworkProblem, refuseUnreadable } from "./plugins/problem-details.ts";
import { limitRates } from "./plugins/rate-limits.ts";
import { logRequests, nameJob, requestId } from "./plugins/request-logging.ts";
import { batchRoutes } from "./routes/batches.ts";
import { continuationRoutes } from "./routes/continuation.ts";
import { eventRoutes } from "./routes/events.ts";
import { followingRoutes } from "./routes/following.ts";
import { healthRoutes } from "./routes/health.ts";
import { inputRoutes } from "./routes/inputs.ts";
import { jobRoutes } from "./routes/jobs.ts";
import { linkRoutes } from "./routes/links.ts";
import { presetRoutes } from "./routes/presets.ts";
import { queueDashboardRoutes } from "./routes/queue-dashboard.ts";
import { resultRoutes } from "./routes/result.ts";
import { steeringRoutes } from "./routes/steering.ts";
import { studioRoutes } from "./routes/studio.ts";
import { submitRoutes } from "./routes/submit.ts";
import { timelapseRoutes } from "./routes/timelapse.ts";
import { webhookRoutes } from "./routes/webhooks.ts";

/** How long a client may take: for the head of a request, for all of it, and without a word either way. */
function patience({ limits }: Config) {
  const headersTimeout = Math.min(limits.headersSeconds, limits.requestSeconds) * 1000;
  return {
    requestTimeout: limits.requestSeconds * 1000,
    connectionTimeout: (Math.max(limits.requestSeconds, limits.waitSeconds) + 30) * 1000,
    http: { headersTimeout, connectionsCheckingInterval: Math.min(5_000, headersTimeout) },
  };
}

/** The whole API, which does not listen yet. */
export async function buildApp(dependencies: Dependencies): Promise<App> {
  const { config } = dependencies;
  const logger: FastifyBaseLogger = dependencies.logger;
  const app: App = fastify({
    loggerInstance: logger,
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: "request_id" }),
    requestIdHeader: false,
    genReqId: requestId,
    childLoggerFactory: nameJob,
    bodyLimit: config.limits.jsonBytes,
    ...patience(config),
    trustProxy: config.trustedProxies.length > 0 && config.trustedProxies,
    forceCloseConnections: "idle",
    return503OnClosing: false,
    clientErrorHandler: refuseUnreadable,
    frameworkErrors: frameworkProblem,
    routerOptions: { maxParamLength: 200, ignoreTrailingSlash: true },
  });
  app.setValidatorCompiler(validatorCompiler);
  // What is answered is made by typed code, and the tests hold it against the schemas; to check each answer again
  // would cost a third of a poll's time.
  app.setSerializerCompiler(() => JSON.stringify);
  logRequests(app, dependencies.logger);
  answerProblems(app);
  closeConnections(app);
  await instructBrowsers(app, config);
  authenticate(app, dependencies);
  limitRates(app, dependencies);
  limitAdmission(app, dependencies);
  await describeApi(app);
  exposeMetrics(app, dependencies);
  for (const routes of [
    healthRoutes,
    submitRoutes,
    jobRoutes,
    steeringRoutes,
    continuationRoutes,
    batchRoutes,
    inputRoutes,
    resultRoutes,
    linkRoutes,
    followingRoutes,
    timelapseRoutes,
    webhookRoutes,
    eventRoutes,
    presetRoutes,
    studioRoutes,
    queueDashboardRoutes,
  ]) {
    await app.register(async (scope: App) => routes(scope, dependencies));
  }
  return app;
}
