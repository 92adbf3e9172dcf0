type Json = null | boolean | number | string | Json[] | { [name: string]: Json };

/**
 * Writes the document as generators of clients read it best: no object occurs twice in memory, which YAML would write with
 * anchors, and no schema has a `pattern` beside a `format`.
 */
export function simplify<Document extends object>(document: Document): Document {
  const copy = JSON.parse(JSON.stringify(document)) as Document & Json;
  removePatterns(copy);
  return copy;
}

function removePatterns(value: Json): void {
  if (typeof value !== "object" || value === null) return;
  if (!Array.isArray(value) && typeof value.format === "string") delete value.pattern;
  for (const child of Object.values(value)) removePatterns(child);
}

/**
 * The generator gives the schema `Name` of a request the name `NameInput`. Renames it if there is no `Name` in responses,
 * or if both are the same.
 */
export function renameInputs<Document extends object>(document: Document): Document {
  const { schemas = {} } =
    (document as { components?: { schemas?: Record<string, object> } }).components ?? {};
  let text = JSON.stringify(document);
  for (const [name, schema] of Object.entries(schemas)) {
    const plain = name.replace(/Input$/, "");
    if (plain === name) continue;
    const other = schemas[plain];
    if (
      other !== undefined &&
      JSON.stringify(other) !== JSON.stringify(schema).replaceAll(`${name}"`, `${plain}"`)
    )
      continue;
    text = text.replaceAll(`"#/components/schemas/${name}"`, `"#/components/schemas/${plain}"`);
    text = text.replaceAll(`"${name}":`, `"${plain}":`);
  }
  return JSON.parse(text) as Document;
}
