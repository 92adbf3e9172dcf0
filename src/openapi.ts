// Writes openapi.yaml from the schemas of the routes: `npm run openapi`.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { openApiDocument } from "./http/openapi-document.ts";
import { ROOT } from "./root.ts";

await writeFile(join(ROOT, "openapi.yaml"), await openApiDocument());
