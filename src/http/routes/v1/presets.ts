import { z } from "zod";
import { optionsSchema, optionsUpdateSchema, presetNameSchema } from "../../../contract/options.ts";
import { DEFAULT_PRESET, PRESETS } from "../../../contract/presets.ts";
import type { ApiPlugin } from "../../dependencies.ts";
import { jsonResponse } from "../../openapi/json-response.ts";

const presetsSchema = z
  .object({
    default: presetNameSchema,
    presets: z.record(
      presetNameSchema,
      optionsSchema
        .omit({ preset: true, seed: true })
        .meta({ id: "Preset", description: "The options that a preset sets." }),
    ),
    options: z
      .record(z.string(), z.unknown())
      .describe("Every option as JSON Schema: its type, range and description."),
    updatable_options: z.array(z.string()).describe("The options that can be changed while a job runs."),
  })
  .meta({ id: "Presets" });

/** GET /v1/presets. */
const presets: ApiPlugin = async (app) => {
  const { properties } = z.toJSONSchema(optionsSchema, { reused: "inline" });
  const body = {
    default: DEFAULT_PRESET,
    presets: PRESETS,
    options: properties ?? {},
    updatable_options: Object.keys(optionsUpdateSchema.shape),
  };
  app.get(
    "/presets",
    {
      config: { scope: "public" },
      schema: {
        operationId: "listPresets",
        summary: "Returns the presets, and every option with its range",
        tags: ["presets"],
        response: { 200: jsonResponse("The presets and options.", presetsSchema) },
      },
    },
    async (_request, reply) => {
      reply.header("cache-control", "public, max-age=300");
      return body;
    },
  );
};

export default presets;
