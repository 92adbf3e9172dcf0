import { z } from "zod";
import { jobViewSchema } from "./job.ts";
import { webhookEventSchema } from "./webhook.ts";

/** The body of a webhook. */
export const webhookMessageSchema = z
  .object({
    type: webhookEventSchema,
    timestamp: z.iso.datetime().describe("The time of the event."),
    data: jobViewSchema,
  })
  .meta({ id: "WebhookMessage" });
