import { WEBHOOK_EVENTS } from "../../contract/webhook.ts";

const header = (name: string, description: string) => ({
  ...{ name, description, in: "header", required: true },
  schema: { type: "string" },
});

/** What the service sends, for the `webhooks` of the OpenAPI document: one entry for each event. */
export function describeWebhooks() {
  const described = WEBHOOK_EVENTS.map((event) => [
    event,
    {
      post: {
        operationId: event.replace(/\.(.)/, (_, letter: string) => letter.toUpperCase()),
        summary: `A job is now ${event.slice("job.".length)}`,
        description:
          "Sent at least once to the `webhook` of a job that asked for it; the `webhook-id` is the same each time. " +
          "What is not answered with 200 to 299 within 15 s is sent again, for 27 hours; 410 ends that.",
        tags: ["webhooks"],
        parameters: [
          header("webhook-id", "Names the message: one that comes twice can be left aside."),
          header("webhook-timestamp", "When this attempt was made, in seconds since 1970."),
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
                  timestamp: { type: "string", format: "date-time", description: "When it happened." },
                  data: { $ref: "#/components/schemas/Job" },
                },
                required: ["type", "timestamp", "data"],
              },
            },
          },
        },
        responses: { "2XX": { description: "It has come." } },
      },
    },
  ]);
  return Object.fromEntries(described) as Record<string, object>;
}
