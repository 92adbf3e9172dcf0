// Writes the types of openapi.yaml to clients/typescript/schema.ts, or to the file that is named: part of `npm run openapi`.
import { readFile, writeFile } from "node:fs/promises";
import { clientTypes } from "./types.mjs";

const document = await readFile(new URL("../../../openapi.yaml", import.meta.url), "utf8");
const file = process.argv[2] ?? new URL("../schema.ts", import.meta.url);
await writeFile(file, await clientTypes(document));
