import { z } from "zod";

/** The hardware and software that an engine uses, for logs, `/readyz` and job views. */
export const engineSchema = z
  .object({
    device: z.enum(["cpu", "gpu"]),
    name: z.string().describe("The name of the processor or graphics card."),
    kernels: z
      .enum(["tfjs", "neon", "avx2", "avx512"])
      .describe(
        "tfjs: TensorFlow's kernels (cuDNN on a GPU); otherwise this project's kernels for the processor's instruction set.",
      ),
    tensorflow: z.string().describe("The version of TensorFlow."),
    memory_mib: z.number().min(0).describe("The memory available to the engine, in MiB."),
  })
  .meta({ id: "Engine" });
export type EngineDescription = z.infer<typeof engineSchema>;
