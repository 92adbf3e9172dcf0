import type { FastifyError } from "fastify";
import fp from "fastify-plugin";
import { isRedisUnavailable } from "../../redis/errors.ts";
import type { ApiPlugin } from "../dependencies.ts";
import { sendProblem, toProblemError } from "../problem-response.ts";

/** Responds to every error with problem details (RFC 9457). */
const errorHandler: ApiPlugin = async (app) => {
  app.setErrorHandler((error: FastifyError, request, reply) => {
    const problem = toProblemError(error);
    if (problem.code === "internal") request.log.error(error, "request failed");
    else {
      const cause = isRedisUnavailable(error) ? error : error.cause;
      const reason = cause instanceof Error ? cause.message : undefined;
      request.log.info({ code: problem.code, reason }, problem.message);
    }
    // Reads and drops the rest of an upload: a client that is still writing would not read the response.
    request.raw.unpipe();
    request.raw.resume();
    return sendProblem(request, reply, problem);
  });
};

export default fp(errorHandler, { name: "error-handler" });
