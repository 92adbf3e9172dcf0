/** The version of the contract, not of the software. */
const CONTRACT_VERSION = "0.9.0";

/** The parts of the OpenAPI document that no route describes. */
export const API_INFO = {
  info: {
    title: "nst",
    version: CONTRACT_VERSION,
    description:
      "Neural style transfer with VGG-19 behind a job API: paints a content picture in the style of others. " +
      "JSON fields are snake_case, times are RFC 3339 in UTC, and ids sort by creation time. " +
      "Every error response is a problem (RFC 9457).",
    license: { name: "MIT", identifier: "MIT" },
  },
  servers: [
    { url: "/", description: "The service that serves this document." },
    { url: "http://localhost:3000", description: "A service that `npm start` runs." },
  ],
  components: {
    securitySchemes: {
      key: {
        type: "http" as const,
        scheme: "bearer",
        description:
          "An API key (`nst_…`) with the scope that the operation requires: `submit`, `read` or `admin`. " +
          "A job is visible to its owner only; for others it does not exist. " +
          "A service with anonymous access also accepts requests without a key.",
      },
    },
  },
  tags: [
    { name: "jobs", description: "Submit, follow and manage jobs." },
    { name: "batches", description: "Paint several contents in several styles at once." },
    { name: "result", description: "The pictures that a job produces." },
    { name: "webhooks", description: "Receive job events." },
    { name: "presets", description: "The presets and options." },
    { name: "health", description: "Monitor the service." },
  ],
};
