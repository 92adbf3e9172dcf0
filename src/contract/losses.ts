import { z } from "zod";
import { lossSchema } from "./job.ts";

/** The loss at one step; each part is already multiplied by its weight. */
const lossEntrySchema = lossSchema.extend({
  step: z.int().min(1),
  scale: z.int().min(0).describe("The index of the scale."),
  objective: z
    .int()
    .min(0)
    .describe(
      "The number of option changes before this step. Only losses with the same number are comparable.",
    ),
});
export type LossEntry = z.infer<typeof lossEntrySchema>;

/** The loss history of a job. */
export const lossesSchema = z.object({ losses: z.array(lossEntrySchema) }).meta({ id: "Losses" });
