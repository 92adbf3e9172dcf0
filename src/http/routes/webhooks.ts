import { v7 as uuidv7 } from "uuid";
import { webhookSecretsSchema, webhookTestResultSchema, webhookTestSchema } from "../../contract/webhook.ts";
import { checkUrl } from "../../net/url-policy.ts";
import { formatTraceparent } from "../../trace-context.ts";
import { postJson } from "../../webhooks/post-json.ts";
import { signedHeaders } from "../../webhooks/signature.ts";
import type { App, Dependencies } from "../dependencies.ts";
import { problemResponses } from "../openapi/problem-responses.ts";

/** What a receiver of webhooks needs: the secrets that sign them, and a message to try it with. */
export function webhookRoutes(app: App, { urlPolicy, webhookSecrets }: Dependencies): void {
  app.get(
    "/v1/webhooks/secret",
    {
      config: { scope: "submit" },
      schema: {
        operationId: "getWebhookSecrets",
        summary: "Gives the secrets that sign this owner's webhooks",
        tags: ["webhooks"],
        response: { 200: webhookSecretsSchema, ...problemResponses("unavailable") },
      },
    },
    async (request, reply) => {
      reply.header("cache-control", "no-store");
      return { secrets: await webhookSecrets.get(request.caller.owner) };
    },
  );

  app.post(
    "/v1/webhooks/secret/rotate",
    {
      config: { scope: "submit" },
      schema: {
        operationId: "rotateWebhookSecret",
        summary: "Makes a new secret; the one before still signs beside it for 24 hours",
        tags: ["webhooks"],
        response: { 200: webhookSecretsSchema, ...problemResponses("unavailable") },
      },
    },
    async (request, reply) => {
      reply.header("cache-control", "no-store");
      return { secrets: await webhookSecrets.rotate(request.caller.owner) };
    },
  );

  app.post(
    "/v1/webhooks/test",
    {
      config: { scope: "submit" },
      schema: {
        operationId: "testWebhook",
        summary: "Sends a signed `webhook.test` to a URL, once, and tells what came of it",
        tags: ["webhooks"],
        body: webhookTestSchema,
        response: {
          200: webhookTestResultSchema,
          ...problemResponses(
            "invalid_request",
            "malformed_body",
            "request_too_large",
            "unsupported_media_type",
            "url_refused",
            "unavailable",
          ),
        },
      },
    },
    async (request) => {
      const { url } = request.body;
      checkUrl(url, "url", urlPolicy);
      const id = `msg_${uuidv7().replaceAll("-", "")}`;
      const now = new Date();
      const body = JSON.stringify({ type: "webhook.test", timestamp: now.toISOString(), data: {} });
      const secrets = (await webhookSecrets.get(request.caller.owner)).map(({ secret }) => secret);
      const { trace } = request.raw;
      const headers = {
        ...signedHeaders({ id, body }, secrets, now),
        ...(trace && { traceparent: formatTraceparent(trace) }),
      };
      const { status, duration_ms, error } = await postJson(url, urlPolicy, headers, body);
      return { id, delivered: error === null, status, duration_ms, error };
    },
  );
}
