import multipart from "@fastify/multipart";
import fp from "fastify-plugin";
import type { ApiPlugin } from "../dependencies.ts";

/** Parts that a form may have besides its pictures: a few more than there are fields, so that the error can name one. */
const OTHER_PARTS = 16;

/** Lets the routes of its scope read multipart/form-data and JSON themselves, part by part. */
const forms: ApiPlugin = async (app, { config: { limits } }) => {
  app.removeContentTypeParser("application/json");
  app.addContentTypeParser("application/json", (_request, _payload, done) => done(null));
  await app.register(multipart, {
    throwFileSizeLimit: false,
    // Every part is a stream: none is held in memory before its name and its limit are known.
    isPartAFile: () => true,
    limits: {
      // One byte more than allowed, so that the spool can detect a larger file.
      fileSize: limits.uploadBytes + 1,
      parts: 2 * limits.styles + 2 * limits.batchJobs + 2 * OTHER_PARTS,
      headerPairs: 20,
    },
  });
};

export default fp(forms, { name: "submission-bodies" });
