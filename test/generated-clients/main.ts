// npm run clients:check [-- --only=go]: generates clients from openapi.yaml with the usual generators, compiles them, and paints a
// picture with each against a real service; lints openapi.yaml. Exits with 1 if one fails.
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { sharp } from "../../src/pictures/sharp.ts";
import { ROOT } from "../../src/root.ts";
import { TestDeployment } from "../support/harness/deployment.ts";
import { jpeg } from "../support/pictures.ts";
import { CHECKS, type CheckContext } from "./checks.ts";

const { installClientGenerators } = await import(`${ROOT}/scripts/setup/client-generators.mjs`);
const { cacheFolder } = await import(`${ROOT}/scripts/setup/folders.mjs`);

const { values } = parseArgs({ options: { only: { type: "string" } } });
const tools = await installClientGenerators(cacheFolder(), (line: string) => console.error(line));
const folder = await mkdtemp(join(tmpdir(), "nst-clients-"));
const deployment = await TestDeployment.create();
let failed = 0;
try {
  const [{ address }] = await Promise.all([deployment.startApi(), deployment.startWorker()]);
  const [content, style] = [join(folder, "content.jpg"), join(folder, "style.jpg")];
  await writeFile(content, await jpeg({ seed: 1 }));
  await writeFile(style, await jpeg({ seed: 2 }));
  const names = Object.keys(CHECKS).filter((name) => values.only === undefined || name === values.only);
  for (const name of names) {
    const output = join(folder, `${name}-output`);
    const context: CheckContext = {
      ...{ tools, document: join(ROOT, "openapi.yaml"), folder: join(folder, name) },
      programArguments: [address, deployment.apiKey, content, style, output],
    };
    try {
      for (const body of (await CHECKS[name]?.(context)) ?? []) {
        const { format, width } = await sharp(await readFile(`${output}-${body}.png`)).metadata();
        if (format !== "png" || width !== 64) throw new Error(`${body}: got ${format}, ${width} px wide`);
        console.log(`${name}: a job was submitted as ${body}, followed and fetched`);
      }
      console.log(`${name}: passed`);
    } catch (error) {
      failed += 1;
      console.log(`${name}: FAILED\n${error instanceof Error ? error.message : error}`);
    }
  }
} finally {
  await deployment.close();
  await rm(folder, { recursive: true, force: true });
}
process.exit(failed === 0 ? 0 : 1);
