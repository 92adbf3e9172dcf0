// npm run demo [-- JSON options]: from nothing to a painted cat. Set-up, the whole service, one job over HTTP.
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { runScript, SetupFailure } from "./setup/failure.mjs";
import { checkNode } from "./setup/node.mjs";

const CURL = `The same by hand, while \`npm start\` runs:
  curl -F content=@examples/cat.jpg -F style=@examples/sandstone.jpg http://localhost:3000/v1/jobs
  curl http://localhost:3000/v1/jobs/ID
  curl -o cat-in-sandstone.png http://localhost:3000/v1/jobs/ID/result`;

await runScript(async () => {
  checkNode(process.versions.node);
  const { ROOT } = await import("./setup/folders.mjs");
  const { setUp } = await import("./setup/steps.mjs");
  await setUp({ log: (line) => console.error(`setup: ${line}`) });

  const output = join(ROOT, "demo-output");
  const data = await mkdtemp(join(tmpdir(), "nst-demo-"));
  await mkdir(output, { recursive: true });
  const { startService } = await import("./demo/service.mjs");
  console.error("starting the service");
  const service = await startService(ROOT, data, join(output, "service.log"));
  const stop = stopOnce(service, data);
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
    process.once(signal, () => stop().then(() => process.exit(130)));
  }
  try {
    await paintCat(ROOT, service.url, join(output, "cat-in-sandstone.png"));
  } finally {
    await stop();
  }
});

/** @param {string} root @param {string} url @param {string} file where the picture goes */
async function paintCat(root, url, file) {
  const { paint } = await import("./demo/client.mjs");
  const { progressBar } = await import("./demo/progress-bar.mjs");
  const request = {
    content: join(root, "examples/cat.jpg"),
    style: join(root, "examples/sandstone.jpg"),
    options: optionsFrom(process.argv[2]),
  };
  console.error("painting a cat in sandstone");
  const bar = progressBar();
  const started = Date.now();
  const { picture } = await paint(url, request, (job) => bar.update(job)).finally(() => bar.end());
  await checkPicture(picture);
  await writeFile(file, picture);
  const seconds = Math.round((Date.now() - started) / 1000);
  console.log(`\nThe picture, painted in ${seconds} s: ${relative(process.cwd(), file)}\n\n${CURL}`);
}

/** @param {string | undefined} text */
function optionsFrom(text) {
  try {
    return text === undefined ? {} : JSON.parse(text);
  } catch {
    throw new SetupFailure(`The options are not JSON: ${text}`, `npm run demo -- '{"size": 256}'`);
  }
}

/** @param {Buffer} picture */
async function checkPicture(picture) {
  const { default: sharp } = await import("sharp");
  const { channels } = await sharp(picture).stats();
  if (channels.length < 3 || channels.every(({ stdev }) => stdev < 1)) {
    throw new SetupFailure("What came out is not a picture.", "See demo-output/service.log.");
  }
}

/** @param {{ stop: () => Promise<void> }} service @param {string} data */
function stopOnce(service, data) {
  let stopped;
  return () => {
    stopped ??= service.stop().then(() => rm(data, { recursive: true, force: true }));
    return stopped;
  };
}
