// Generates clients/typescript/schema.ts (or the file given as argument) from openapi.yaml: part of `npm run openapi`.
import { readFile, writeFile } from "node:fs/promises";
import { clientTypes } from "./types.mjs";

const document = await readFile(new URL("../../../openapi.yaml", import.meta.url), "utf8");
const file = process.argv[2] ?? new URL("../schema.ts", import.meta.url);
await writeFile(file, await clientTypes(document));
