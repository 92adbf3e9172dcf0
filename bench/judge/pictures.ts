import { readdir } from "node:fs/promises";
import { join } from "node:path";

/** @throws Error if no file has that name, with any ending */
export async function findPicture(folder: string, name: string): Promise<string> {
  const file = (await readdir(folder)).find((one) => one.replace(/\.\w+$/, "") === name);
  if (file === undefined) throw new Error(`There is no picture ${name} in ${folder}.`);
  return join(folder, file);
}
