import { z } from "zod";

/** What an engine computes on, as it is shown in logs, `/readyz` and job views. */
export const engineSchema = z
  .object({
    device: z.enum(["cpu", "gpu"]),
    name: z.string().describe("The processor's or card's name."),
    kernels: z
      .enum(["stock", "neon", "avx2", "avx512"])
      .describe("TensorFlow's own kernels (cuDNN's on a GPU), or this project's for a kind of processor."),
    tensorflow: z.string().describe("Version of TensorFlow."),
    memory_mib: z.number().min(0).describe("Memory that the engine may use, in MiB."),
  })
  .meta({ id: "Engine" });
export type EngineDescription = z.infer<typeof engineSchema>;
