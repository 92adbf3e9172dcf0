// npm run openapi: generates openapi.yaml, docs/options.md, docs/configuration.md and .env.example from the schemas.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { optionsPage } from "./contract/options-page.ts";
import { configurationPage, exampleEnvironment } from "./environment/configuration-page.ts";
import { openApiDocument } from "./http/openapi/document.ts";
import { ROOT } from "./root.ts";

await writeFile(join(ROOT, "openapi.yaml"), await openApiDocument());
await writeFile(join(ROOT, "docs/options.md"), optionsPage());
await writeFile(join(ROOT, "docs/configuration.md"), configurationPage());
await writeFile(join(ROOT, ".env.example"), exampleEnvironment());
