import { webhookSecretsSchema } from "../../../../contract/webhook.ts";
import type { ApiPlugin } from "../../../dependencies.ts";
import { jsonResponse } from "../../../openapi/json-response.ts";
import { problemResponses } from "../../../openapi/problem-responses.ts";

/** GET /v1/webhooks/secret and POST /v1/webhooks/secret/rotate. */
const secret: ApiPlugin = async (app, { webhookSecrets }) => {
  const response = {
    200: jsonResponse("The secrets in use, newest first.", webhookSecretsSchema),
    ...problemResponses("unavailable"),
  };

  app.get(
    "/secret",
    {
      config: { scope: "submit" },
      schema: {
        operationId: "getWebhookSecrets",
        summary: "Returns the secrets that sign the owner's webhooks",
        tags: ["webhooks"],
        response,
      },
    },
    async (request, reply) => {
      reply.header("cache-control", "no-store");
      return { secrets: await webhookSecrets.get(request.caller.owner) };
    },
  );

  app.post(
    "/secret/rotate",
    {
      config: { scope: "submit" },
      schema: {
        operationId: "rotateWebhookSecret",
        summary:
          "Creates a new secret; earlier ones also sign for another 24 hours, the latest three of them",
        tags: ["webhooks"],
        response,
      },
    },
    async (request, reply) => {
      reply.header("cache-control", "no-store");
      return { secrets: await webhookSecrets.rotate(request.caller.owner) };
    },
  );
};

export default secret;
