import multipart from "@fastify/multipart";
import fp from "fastify-plugin";
import { FIELD_LENGTH } from "../../contract/request.ts";
import type { ApiPlugin } from "../dependencies.ts";

/** Parts that a form may have besides its pictures: a few more than there are fields, so that the error can name one. */
const OTHER_PARTS = 16;

/** Parses multipart/form-data. Registered by the routes that need it: its hooks run for every route of the scope. */
const forms: ApiPlugin = async (app, { config: { limits } }) => {
  const pictures = 2 * limits.styles + 2 * limits.batchJobs;
  await app.register(multipart, {
    throwFileSizeLimit: false,
    limits: {
      // One byte more than allowed, so that the spool can detect a larger file.
      fileSize: limits.uploadBytes + 1,
      files: pictures + OTHER_PARTS,
      fields: OTHER_PARTS,
      parts: pictures + 2 * OTHER_PARTS,
      fieldSize: FIELD_LENGTH,
      fieldNameSize: 100,
      headerPairs: 20,
    },
  });
};

export default fp(forms, { name: "multipart" });
