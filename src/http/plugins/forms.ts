import multipart from "@fastify/multipart";
import type { Config } from "../../config.ts";
import { FIELD_LENGTH } from "../../contract/request.ts";
import type { App } from "../dependencies.ts";

/** Parts that a form may have beside its pictures, and some more, so that the answer can name what is too much. */
const OTHER_PARTS = 16;

/**
 * Lets the routes of a scope read multipart/form-data. Only where forms are taken: the plugin's hooks on each request
 * and its answer cost a poll 3 µs.
 */
export async function takeForms(scope: App, { limits }: Pick<Config, "limits">): Promise<void> {
  await scope.register(multipart, {
    throwFileSizeLimit: false,
    limits: {
      // One more than allowed, so that the spool sees that there is more.
      fileSize: limits.uploadBytes + 1,
      files: 2 * limits.styles + 2 * limits.batchJobs + OTHER_PARTS,
      fields: OTHER_PARTS,
      parts: 2 * limits.styles + 2 * limits.batchJobs + 2 * OTHER_PARTS,
      fieldSize: FIELD_LENGTH,
      fieldNameSize: 100,
      headerPairs: 20,
    },
  });
}
