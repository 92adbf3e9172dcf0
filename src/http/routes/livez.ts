import { z } from "zod";
import type { ApiPlugin } from "../dependencies.ts";
import { jsonResponse } from "../openapi/json-response.ts";

/** GET /livez. */
const livez: ApiPlugin = async (app) => {
  app.get(
    "/livez",
    {
      config: { scope: "public" },
      schema: {
        operationId: "live",
        summary: "Confirms that the process is alive, without checking what it depends on",
        tags: ["health"],
        response: { 200: jsonResponse("The process is alive.", z.object({ status: z.literal("alive") })) },
      },
    },
    async () => ({ status: "alive" as const }),
  );
};

export default livez;
