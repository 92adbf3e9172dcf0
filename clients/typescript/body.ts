/** A body with a `Blob` in it as multipart/form-data, any other as JSON. */
export function encodeBody(body: unknown): FormData | string {
  const fields = Object.entries((body ?? {}) as Record<string, unknown>);
  if (!fields.some(([, value]) => [value].flat().some(isBlob))) return JSON.stringify(body);
  const form = new FormData();
  for (const [name, value] of fields) {
    for (const one of [value].flat()) {
      if (one === undefined) continue;
      if (isBlob(one)) form.append(name, one, fileName(one, name));
      else form.append(name, typeof one === "string" ? one : JSON.stringify(one));
    }
  }
  return form;
}

const isBlob = (value: unknown): value is Blob => value instanceof Blob;

/** A part counts as a file only where it has a name. */
const fileName = (blob: Blob, field: string) =>
  blob instanceof File && blob.name !== "" ? blob.name : field;
