import { z } from "zod";
import { jobStatusSchema } from "./status.ts";

/** What a webhook tells of: each change of a job's status. */
export const WEBHOOK_EVENTS = jobStatusSchema.options.map((status) => `job.${status}` as const);
const webhookEventSchema = z.enum(WEBHOOK_EVENTS);
export type WebhookEvent = z.infer<typeof webhookEventSchema>;

/** Told of where the client chooses no events: how a job ended. */
const USUAL_EVENTS: WebhookEvent[] = ["job.succeeded", "job.failed", "job.canceled"];

/** Where a job's changes are told, as a client sends it. */
export const webhookSchema = z
  .strictObject({
    url: z
      .string()
      .min(1)
      .max(2048)
      .describe("http or https, at a public address; answers with a status of 200 to 299."),
    events: z.array(webhookEventSchema).min(1).max(WEBHOOK_EVENTS.length).default(USUAL_EVENTS),
  })
  .describe("Where the job's changes are POSTed, signed by Standard Webhooks.");
export type Webhook = z.infer<typeof webhookSchema>;

/** One try to tell of an event. */
export const deliverySchema = z.object({
  id: z.string().describe("The message's id (`webhook-id`), the same at each attempt."),
  event: webhookEventSchema,
  attempt: z.int().min(1),
  at: z.iso.datetime(),
  status: z.int().nullable().describe("What the receiver answered; null where it did not."),
  duration_ms: z.int().min(0),
  error: z.string().nullable().describe("Why it does not count as delivered."),
  next_attempt_at: z.iso.datetime().nullable().describe("null: it is delivered, or given up."),
});
export type Delivery = z.infer<typeof deliverySchema>;

/** A job's webhook as its view shows it. */
export const webhookViewSchema = z.object({
  url: z.string(),
  events: z.array(webhookEventSchema),
  deliveries: z.array(deliverySchema).describe("The latest attempts, oldest first."),
});

const webhookSecretSchema = z.object({
  secret: z.string().describe("`whsec_` and base64, as libraries for Standard Webhooks take it."),
  created_at: z.iso.datetime(),
  expires_at: z.iso.datetime().nullable().describe("When it ceases to sign; null: it is the newest."),
});
export type WebhookSecret = z.infer<typeof webhookSecretSchema>;
export const webhookSecretsSchema = z
  .object({ secrets: z.array(webhookSecretSchema).describe("What signs now, the newest first.") })
  .meta({ id: "WebhookSecrets" });

export const webhookTestSchema = z.strictObject({
  url: webhookSchema.shape.url,
});
export const webhookTestResultSchema = z
  .object({
    id: z.string().describe("The message's id (`webhook-id`)."),
    delivered: z.boolean(),
    status: deliverySchema.shape.status,
    duration_ms: deliverySchema.shape.duration_ms,
    error: deliverySchema.shape.error,
  })
  .meta({ id: "WebhookTestResult" });
