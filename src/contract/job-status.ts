import { z } from "zod";

export const jobStatusSchema = z.enum(["queued", "running", "succeeded", "failed", "canceled"]);
export type JobStatus = z.infer<typeof jobStatusSchema>;
