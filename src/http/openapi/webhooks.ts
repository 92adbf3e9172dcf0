import { WEBHOOK_EVENTS } from "../../contract/webhook.ts";

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
              schema: {
                type: "object",
                properties: {
                  type: { const: event },
                  timestamp: { type: "string", format: "date-time", description: "The time of the event." },
                  data: { $ref: "#/components/schemas/Job" },
                },
                required: ["type", "timestamp", "data"],
              },
            },
          },
        },
        responses: { "2XX": { description: "The message is delivered." } },
      },
    },
  ]);
  return Object.fromEntries(described) as Record<string, object>;
}
