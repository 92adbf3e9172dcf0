import { v7 as uuidv7 } from "uuid";
import { webhookTestResultSchema, webhookTestSchema } from "../../../../contract/webhook.ts";
import { checkUrl } from "../../../../net/url-policy.ts";
import { formatTraceparent } from "../../../../trace-context.ts";
import { postJson } from "../../../../webhooks/post-json.ts";
import { signedHeaders } from "../../../../webhooks/signature.ts";
import type { ApiPlugin } from "../../../dependencies.ts";
import { jsonResponse } from "../../../openapi/json-response.ts";
import { problemResponses } from "../../../openapi/problem-responses.ts";

/** POST /v1/webhooks/test. */
const test: ApiPlugin = async (app, { urlPolicy, webhookSecrets }) => {
  app.post(
    "/test",
    {
      config: { scope: "submit" },
      schema: {
        operationId: "testWebhook",
        summary: "Sends a signed `webhook.test` message to a URL once, and returns the outcome",
        tags: ["webhooks"],
        body: webhookTestSchema,
        response: {
          200: jsonResponse("The outcome of the request to the URL.", webhookTestResultSchema),
          ...problemResponses(
            "invalid_request",
            "malformed_body",
            "request_too_large",
            "unsupported_media_type",
          ),
          ...problemResponses("url_not_allowed", "unavailable"),
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
};

export default test;
