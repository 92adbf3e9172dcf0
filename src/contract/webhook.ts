import { z } from "zod";
import { jobStatusSchema } from "./job-status.ts";

/** One event for each change of a job's status. */
export const WEBHOOK_EVENTS = jobStatusSchema.options.map((status) => `job.${status}` as const);
export const webhookEventSchema = z.enum(WEBHOOK_EVENTS);
export type WebhookEvent = z.infer<typeof webhookEventSchema>;

/** The end of a job. */
const DEFAULT_EVENTS: WebhookEvent[] = ["job.succeeded", "job.failed", "job.canceled"];

/** A job's webhook as clients send it. */
export const webhookSchema = z
  .strictObject({
    url: z
      .string()
      .min(1)
      .max(2048)
      .describe(
        "http or https, at a public address. The receiver must respond with a status from 200 to 299.",
      ),
    events: z.array(webhookEventSchema).min(1).max(WEBHOOK_EVENTS.length).default(DEFAULT_EVENTS),
  })
  .meta({
    id: "Webhook",
    description: "A URL to which the job's events are POSTed, signed according to Standard Webhooks.",
  });
export type Webhook = z.infer<typeof webhookSchema>;

/** An attempt to deliver an event. */
export const deliverySchema = z.object({
  id: z.string().describe("The id of the message (`webhook-id`), the same for each attempt."),
  event: webhookEventSchema,
  attempt: z.int().min(1),
  at: z.iso.datetime(),
  status: z.int().nullable().describe("The status of the receiver's response; null if there was none."),
  duration_ms: z.int().min(0),
  error: z.string().nullable().describe("Why the attempt failed; null if it succeeded."),
  next_attempt_at: z.iso
    .datetime()
    .nullable()
    .describe("null if the message is delivered or no further attempt follows."),
});
export type Delivery = z.infer<typeof deliverySchema>;

/** A job's webhook in the job view. */
export const webhookViewSchema = z.object({
  url: z.string(),
  events: z.array(webhookEventSchema),
  deliveries: z.array(deliverySchema).describe("The latest attempts, oldest first."),
});

const webhookSecretSchema = z.object({
  secret: z.string().describe("`whsec_` and base64, as libraries for Standard Webhooks expect it."),
  created_at: z.iso.datetime(),
  expires_at: z.iso.datetime().nullable().describe("When it stops signing; null for the newest."),
});
export type WebhookSecret = z.infer<typeof webhookSecretSchema>;
export const webhookSecretsSchema = z
  .object({ secrets: z.array(webhookSecretSchema).describe("The secrets in use, newest first.") })
  .meta({ id: "WebhookSecrets" });

export const webhookTestSchema = z.strictObject({
  url: webhookSchema.shape.url,
});
export const webhookTestResultSchema = z
  .object({
    id: z.string().describe("The id of the message (`webhook-id`)."),
    delivered: z.boolean(),
    status: deliverySchema.shape.status,
    duration_ms: deliverySchema.shape.duration_ms,
    error: deliverySchema.shape.error,
  })
  .meta({ id: "WebhookTestResult" });
