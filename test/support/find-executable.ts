import { access, constants } from "node:fs/promises";
import { delimiter, join } from "node:path";

/** The first of these programs that is on PATH. */
export async function findExecutable(...names: string[]): Promise<string | undefined> {
  for (const name of names) {
    for (const folder of (process.env.PATH ?? "").split(delimiter)) {
      const path = join(folder, name);
      const found = await access(path, constants.X_OK).then(
        () => true,
        () => false,
      );
      if (found) return path;
    }
  }
  return undefined;
}
