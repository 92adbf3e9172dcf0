/**
 * A body without the fields that are null: code that is generated from openapi.yaml writes null for what is left out.
 * `metadata` belongs to the client and stays as it is.
 */
export function withoutNulls(body: unknown): unknown {
  if (Array.isArray(body)) return body.map(withoutNulls);
  if (typeof body !== "object" || body === null) return body;
  const fields = Object.entries(body).filter(([, value]) => value !== null);
  return Object.fromEntries(
    fields.map(([name, value]) => [name, name === "metadata" ? value : withoutNulls(value)]),
  );
}
