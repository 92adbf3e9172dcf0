import { jpeg } from "./pictures.ts";

/** A picture as a file of a form. */
export function file(bytes: Uint8Array): Blob {
  return new Blob([new Uint8Array(bytes)]);
}

/** A form with a content, `styles` styles and the fields. */
export async function form(fields: Record<string, string> = {}, styles = 1): Promise<FormData> {
  const data = new FormData();
  data.append("content", file(await jpeg()), "cat.jpg");
  for (let index = 0; index < styles; index += 1) {
    data.append("style", file(await jpeg({ seed: index + 2 })), `style-${index}.jpg`);
  }
  for (const [name, value] of Object.entries(fields)) data.append(name, value);
  return data;
}
