import swagger from "@fastify/swagger";
import { jsonSchemaTransform, jsonSchemaTransformObject } from "fastify-type-provider-zod";
import { z } from "zod";
import type { App } from "../dependencies.ts";
import { addExamples } from "../openapi/examples.ts";
import { problemResponses } from "../openapi/problem-responses.ts";
import { describeWebhooks } from "../openapi/webhooks.ts";
import { type ApiDocument, docsPage } from "../views/docs-page.ts";

/** Version of the contract, not of the software. */
const CONTRACT_VERSION = "0.9.0";

declare module "fastify" {
  interface FastifyContextConfig {
    /** Bodies by media type that a route reads itself, for the description. */
    bodies?: Record<string, z.ZodType>;
  }
}

/** Collects the contract from the schemas of the routes that are added from here on, and serves it. */
export async function describeApi(app: App): Promise<void> {
  app.addHook("onRoute", ({ schema, url }) => {
    if (!schema || schema.hide || !url.startsWith("/v1/")) return;
    // Whatever is sent may be what the contract does not know; a route that says more about it does so itself.
    schema.response = { ...problemResponses("invalid_request"), ...(schema.response as object) };
  });
  await app.register(swagger, {
    openapi: {
      openapi: "3.1.0",
      info: {
        title: "nst",
        version: CONTRACT_VERSION,
        description:
          "Paints a picture in the style of others: neural style transfer with VGG-19 behind a job API. " +
          "JSON is snake_case, times are RFC 3339 in UTC, ids sort by time, and every refusal is a problem (RFC 9457).",
        license: { name: "MIT", identifier: "MIT" },
      },
      components: {
        securitySchemes: {
          key: {
            type: "http",
            scheme: "bearer",
            description:
              "A key of the service (`nst_…`), with the scope that the operation names: `submit`, `read` or `admin`. " +
              "A job is its owner's alone: another's id is answered as one that does not exist. A service in open " +
              "mode takes requests without a key too.",
          },
        },
      },
      tags: [
        { name: "jobs", description: "Submit, follow and manage jobs." },
        { name: "batches", description: "Several contents and styles at once." },
        { name: "result", description: "What a job gives." },
        { name: "webhooks", description: "Be told of what happens to jobs." },
        { name: "presets", description: "What can be asked for." },
        { name: "health", description: "For whoever runs the service." },
      ],
    },
    transform: (route) => {
      const { schema, url } = jsonSchemaTransform(route);
      const bodies = route.route.config?.bodies;
      return { schema: bodies ? { ...schema, body: describeBodies(bodies) } : schema, url };
    },
    transformObject: (document) =>
      addExamples(keepReferred({ ...jsonSchemaTransformObject(document), webhooks: describeWebhooks() })),
  });
  app.get(
    "/docs",
    { config: { scope: "public", page: true }, schema: { hide: true } },
    async (_request, reply) => {
      reply.header("content-type", "text/html; charset=utf-8").header("cache-control", "public, max-age=300");
      return docsPage(app.swagger() as ApiDocument);
    },
  );
  let yaml: string | undefined;
  app.get(
    "/openapi.yaml",
    { config: { scope: "public" }, schema: { hide: true } },
    async (_request, reply) => {
      yaml ??= app.swagger({ yaml: true });
      reply.header("content-type", "application/yaml").header("cache-control", "public, max-age=300");
      return yaml;
    },
  );
}

function describeBodies(bodies: Record<string, z.ZodType>) {
  const content = Object.entries(bodies).map(([type, body]) => {
    const { $schema, id, ...schema } = z.toJSONSchema(body, { io: "input", reused: "inline" });
    return [type, { schema }] as const;
  });
  return { content: Object.fromEntries(content) };
}

/**
 * The generator writes each named schema once as it is sent and once as it is received: those in use stay, in the order of
 * their names, since that in which they come is the order in which modules happen to be loaded.
 */
function keepReferred<Document extends object>(document: Document): Document {
  const text = JSON.stringify(document);
  const { components } = document as { components?: { schemas?: Record<string, unknown> } };
  const schemas = Object.entries(components?.schemas ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
  const referred = schemas.filter(([name]) => text.includes(`"#/components/schemas/${name}"`));
  const kept = { ...document, components: { ...components, schemas: Object.fromEntries(referred) } };
  // What only a schema that went referred to goes next.
  return referred.length === schemas.length ? kept : keepReferred(kept);
}
