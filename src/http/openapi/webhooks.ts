import { WEBHOOK_EVENTS } from "../../contract/webhook.ts";
import { webhookMessageSchema } from "../../contract/webhook-message.ts";

const header = (name: string, description: string) => ({
  ...{ name, description, in: "header", required: true },
  schema: { type: "string" },
});

/** The `webhooks` of the OpenAPI document: one entry for each event. */
export function describeWebhooks() {
  const described = WEBHOOK_EVENTS.map((event) => [
    event,
    {
      post: {
        operationId: event.replace(/\.(.)/, (_, letter: string) => letter.toUpperCase()),
        summary: `A job has changed to ${event.slice("job.".length)}`,
        description:
          "Sent at least once to the `webhook` of a job that subscribes to this event, with the same `webhook-id` each time. " +
          "The service retries for 27 hours if the receiver does not respond with 200 to 299 within 15 s; 410 ends the retries.",
        tags: ["webhooks"],
        security: [],
        parameters: [
          header(
            "webhook-id",
            "The id of the message, the same for each attempt: use it to ignore duplicates.",
          ),
          header("webhook-timestamp", "The time of this attempt, in Unix seconds."),
          header(
            "webhook-signature",
            "`v1,` and the signature in base64, once for each secret (Standard Webhooks 1.0).",
          ),
        ],
        requestBody: {
          required: true,
          content: {
            "application/json": {
              schema: { $ref: `#/components/schemas/${webhookMessageSchema.meta()?.id}` },
            },
          },
        },
        responses: { "2XX": { description: "The message is delivered." } },
      },
    },
  ]);
  return Object.fromEntries(described) as Record<string, object>;
}
