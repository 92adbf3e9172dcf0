import openapiTypeScript, { astToString, COMMENT_HEADER } from "openapi-typescript";
import { factory } from "typescript";

const BLOB = factory.createTypeReferenceNode("Blob");

/**
 * Generates TypeScript types from the OpenAPI document. openapi-typescript needs the compiler's JavaScript API, which
 * TypeScript 7 does not have, so this folder is a package with TypeScript 5.
 * @param {string} document openapi.yaml
 * @returns {Promise<string>} clients/typescript/schema.ts
 */
export async function clientTypes(document) {
  const nodes = await openapiTypeScript(document, {
    alphabetize: true,
    defaultNonNullable: false,
    transform: ({ format }) => (format === "binary" ? BLOB : undefined),
  });
  return `${COMMENT_HEADER}\n${astToString(nodes)}`;
}
