import type { ApiPlugin } from "../dependencies.ts";
import { jsonResponse } from "../openapi/json-response.ts";
import { createReadinessCheck, readinessSchema } from "../readiness.ts";

/** GET /readyz. */
const readyz: ApiPlugin = async (app, dependencies) => {
  const checkReadiness = createReadinessCheck(dependencies);
  app.get(
    "/readyz",
    {
      config: { scope: "public" },
      schema: {
        operationId: "ready",
        summary: "Reports whether jobs can be accepted and painted, and otherwise what is missing",
        description: "A response may be two seconds old.",
        tags: ["health"],
        response: {
          200: jsonResponse("Jobs can be accepted and painted.", readinessSchema),
          503: jsonResponse("Something is missing: see `checks`.", readinessSchema),
        },
      },
    },
    async (_request, reply) => {
      const readiness = await checkReadiness();
      reply.header("cache-control", "no-store");
      return reply.code(readiness.status === "ready" ? 200 : 503).send(readiness);
    },
  );
};

export default readyz;
