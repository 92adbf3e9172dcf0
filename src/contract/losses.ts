import { z } from "zod";
import { lossSchema } from "./job.ts";

/** A step's loss, its parts already multiplied by their weights. */
const lossEntrySchema = lossSchema.extend({
  step: z.int().min(1),
  scale: z.int().min(0).describe("Index of the scale that the step was made at."),
  objective: z
    .int()
    .min(0)
    .describe("Counts the changes of the options while the job ran: losses of one number can be compared."),
});
export type LossEntry = z.infer<typeof lossEntrySchema>;

/** The loss history of a job as far as it is stored. */
export const lossesSchema = z.object({ losses: z.array(lossEntrySchema) }).meta({ id: "Losses" });
