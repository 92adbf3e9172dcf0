/** Encodes a body that contains a `Blob` as multipart/form-data, and any other body as JSON. */
export function encodeBody(body: unknown): FormData | string {
  const fields = Object.entries((body ?? {}) as Record<string, unknown>);
  if (!fields.some(([, value]) => [value].flat().some(isBlob))) return JSON.stringify(body);
  const form = new FormData();
  for (const [name, value] of fields) {
    for (const item of [value].flat()) {
      if (item === undefined) continue;
      if (isBlob(item)) form.append(name, item, fileName(item, name));
      else form.append(name, typeof item === "string" ? item : JSON.stringify(item));
    }
  }
  return form;
}

const isBlob = (value: unknown): value is Blob => value instanceof Blob;

/** The server treats a part as a file only if the part has a file name. */
const fileName = (blob: Blob, field: string) =>
  blob instanceof File && blob.name !== "" ? blob.name : field;
