import swagger from "@fastify/swagger";
import fp from "fastify-plugin";
import { jsonSchemaTransform, jsonSchemaTransformObject } from "fastify-type-provider-zod";
import { z } from "zod";
import type { ApiPlugin } from "../dependencies.ts";
import { addExamples } from "../openapi/examples.ts";
import { API_INFO } from "../openapi/info.ts";
import { problemResponses } from "../openapi/problem-responses.ts";
import { renameInputs, simplify } from "../openapi/simplify.ts";
import { describeWebhooks } from "../openapi/webhooks.ts";

declare module "fastify" {
  interface FastifyContextConfig {
    /** The schemas of a request body that the route parses itself, by media type. */
    requestBodies?: Record<string, z.ZodType>;
  }
}

/** Generates the OpenAPI document from the schemas of the routes. */
const openapi: ApiPlugin = async (app) => {
  app.addHook("onRoute", ({ schema, url }) => {
    if (!schema || schema.hide || !url.startsWith("/v1/")) return;
    // Any request may violate the contract; a route that lists this problem itself overrides the entry.
    schema.response = { ...problemResponses("invalid_request"), ...(schema.response as object) };
  });
  await app.register(swagger, {
    openapi: { openapi: "3.1.0", ...API_INFO },
    transform: (route) => {
      const { schema, url } = jsonSchemaTransform(route);
      const bodies = route.route.config?.requestBodies;
      return { schema: bodies ? { ...schema, body: describeBodies(bodies) } : schema, url };
    },
    transformObject: (document) =>
      simplify(
        addExamples(
          sortAndPrune(
            renameInputs(
              sortAndPrune(
                markOptionalBodies({ ...jsonSchemaTransformObject(document), webhooks: describeWebhooks() }),
              ),
            ),
          ),
        ),
      ),
  });
};

export default fp(openapi, { name: "openapi" });

/** Generators of clients that know one media type take the first. */
function describeBodies(bodies: Record<string, z.ZodType>) {
  const content = Object.entries(bodies).map(([type, body]) => {
    const name = body.meta()?.id;
    if (name !== undefined) return [type, { schema: { $ref: `#/components/schemas/${name}Input` } }] as const;
    const { $schema, id, $defs, ...schema } = z.toJSONSchema(body, { io: "input", reused: "inline" });
    // The generator writes the named schemas under `components`, with this ending.
    const text = JSON.stringify(schema).replaceAll(/"#\/\$defs\/(\w+)"/g, '"#/components/schemas/$1Input"');
    return [type, { schema: JSON.parse(text) as object }] as const;
  });
  return { content: Object.fromEntries(content) };
}

interface Schema {
  type?: string;
  anyOf?: Schema[];
}

interface RequestBody {
  required?: boolean;
  content: Record<string, { schema: Schema }>;
}

/** A body that may be absent is parsed as null: describes it as optional, rather than as required but nullable. */
function markOptionalBodies<Document extends object>(document: Document): Document {
  const { paths = {} } = document as {
    paths?: Record<string, Record<string, { requestBody?: RequestBody }>>;
  };
  for (const { requestBody } of Object.values(paths).flatMap((path) => Object.values(path))) {
    for (const media of Object.values(requestBody?.content ?? {})) {
      const [schema, alternative, ...others] = media.schema.anyOf ?? [];
      if (!requestBody || !schema || alternative?.type !== "null" || others.length > 0) continue;
      media.schema = schema;
      requestBody.required = false;
    }
  }
  return document;
}

/**
 * Removes the schemas that nothing refers to (the generator writes one for input and one for output), and sorts paths
 * and schemas by name: otherwise their order depends on the order in which modules load.
 */
function sortAndPrune<Document extends object>(document: Document): Document {
  const { components, paths } = document as {
    components?: { schemas?: Record<string, unknown> };
    paths?: Record<string, unknown>;
  };
  const text = JSON.stringify(document);
  const schemas = Object.entries(sortKeys(components?.schemas ?? {}));
  const used = schemas.filter(([name]) => text.includes(`"#/components/schemas/${name}"`));
  const pruned = {
    ...document,
    paths: sortKeys(paths ?? {}),
    components: { ...components, schemas: Object.fromEntries(used) },
  };
  // A removed schema may have been the only one that referred to another.
  return used.length === schemas.length ? pruned : sortAndPrune(pruned);
}

function sortKeys(record: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1)));
}
