// npm run demo [-- JSON options]: sets up, starts the whole service, and has a cat painted over HTTP.
import { mkdir } from "node:fs/promises";
import { join, relative } from "node:path";
import { runScript, SetupFailure } from "./setup/failure.mjs";
import { checkNode } from "./setup/node.mjs";

const CURL = `The same by hand, while \`npm start\` runs:
  npx nst paint examples/cat.jpg examples/sandstone.jpg -o cat-in-sandstone.png
or in a browser at http://localhost:3000, or over HTTP:
  curl -F content=@examples/cat.jpg -F style=@examples/sandstone.jpg http://localhost:3000/v1/jobs
  curl http://localhost:3000/v1/jobs/ID
  curl -o cat-in-sandstone.png http://localhost:3000/v1/jobs/ID/result`;

await runScript(async () => {
  checkNode(process.versions.node);
  const { ROOT } = await import("./setup/folders.mjs");
  const { setUp } = await import("./setup/set-up.mjs");
  await setUp({ log: (line) => console.error(`setup: ${line}`) });

  const output = join(ROOT, "demo-output");
  await mkdir(output, { recursive: true });
  const file = join(output, "cat-in-sandstone.png");
  const log = join(output, "service.log");
  const { run, processTerminal } = await import("../dist/cli/main.js");
  const started = Date.now();
  console.error("painting a cat in sandstone");
  const code = await run(
    [
      ...["paint", join(ROOT, "examples/cat.jpg"), join(ROOT, "examples/sandstone.jpg")],
      ...["--output-file", file, "--options", process.argv[2] ?? "{}", "--embedded", "--service-log", log],
    ],
    processTerminal(),
  );
  if (code !== 0) throw new SetupFailure("The demo produced no picture.", `See ${log}.`);
  await checkPicture(file);
  const seconds = Math.round((Date.now() - started) / 1000);
  console.log(`\nThe picture, made in ${seconds} s: ${relative(process.cwd(), file)}\n\n${CURL}`);
});

/** @param {string} file */
async function checkPicture(file) {
  const { default: sharp } = await import("sharp");
  const { channels } = await sharp(file).stats();
  if (channels.length < 3 || channels.every(({ stdev }) => stdev < 1)) {
    throw new SetupFailure("The result is a blank picture.", "See demo-output/service.log.");
  }
}
