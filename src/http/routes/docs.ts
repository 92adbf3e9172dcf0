import type { ApiPlugin } from "../dependencies.ts";
import { type ApiDocument, docsPage } from "../views/docs-page.ts";

/** GET /docs, /openapi.yaml and /openapi.json: the contract, for people and for programs. */
const docs: ApiPlugin = async (app) => {
  let yaml: string | undefined;

  app.get(
    "/docs",
    { config: { scope: "public", page: true }, schema: { hide: true } },
    async (_request, reply) => {
      reply.header("content-type", "text/html; charset=utf-8").header("cache-control", "public, max-age=300");
      return docsPage(app.swagger() as ApiDocument);
    },
  );

  app.get(
    "/openapi.json",
    { config: { scope: "public" }, schema: { hide: true } },
    async (_request, reply) => {
      reply.header("cache-control", "public, max-age=300");
      return app.swagger();
    },
  );

  app.get(
    "/openapi.yaml",
    { config: { scope: "public" }, schema: { hide: true } },
    async (_request, reply) => {
      yaml ??= app.swagger({ yaml: true });
      reply.header("content-type", "application/yaml").header("cache-control", "public, max-age=300");
      return yaml;
    },
  );
};

export default docs;
