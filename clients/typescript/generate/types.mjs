import openapiTypeScript, { astToString, COMMENT_HEADER } from "openapi-typescript";
import { factory } from "typescript";

const BLOB = factory.createTypeReferenceNode("Blob");

/**
 * The contract as TypeScript types. openapi-typescript wants the compiler's JavaScript interface, which TypeScript 7
 * does not have: hence a package of its own with TypeScript 5 beside it.
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
