import { createHash } from "node:crypto";
import { createReadStream, createWriteStream, existsSync } from "node:fs";
import { mkdir, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { pathToFileURL } from "node:url";
import { SetupFailure } from "./failure.mjs";
import { progressLine } from "./progress.mjs";

/** VGG-19 without its dense layers, as Keras's `keras.applications` publishes it (80 MB). */
const KERAS_WEIGHTS = {
  url: "https://storage.googleapis.com/tensorflow/keras-applications/vgg19/vgg19_weights_tf_dim_ordering_tf_kernels_notop.h5",
  md5: "253f8cb515780f3b799900260a226db6",
};
/** The download fails if no byte comes for this long. */
const TIMEOUT_MS = 30_000;

/**
 * Downloads the weights if the engine finds none in any of its places.
 * A failure is only a notice: the service starts without weights, and /readyz reports that they are missing.
 * @param {string} root of the clone, whose compiled engine knows the places and their order
 * @param {(line: string) => void} log
 */
export async function ensureWeights(root, log) {
  const engine = pathToFileURL(join(root, "dist/workers/engine/weights/find-weights.js")).href;
  const { findWeights, downloadedWeights } = await import(engine);
  try {
    findWeights(root, process.env.NST_VGG19_WEIGHTS || undefined);
    return;
  } catch (error) {
    if (process.env.NST_VGG19_WEIGHTS) return log(`notice: ${error.message}`);
  }
  const file = downloadedWeights(root);
  log("downloading VGG-19's weights");
  try {
    await download({ ...KERAS_WEIGHTS, url: process.env.NST_VGG19_URL || KERAS_WEIGHTS.url }, file, log);
  } catch (error) {
    if (!(error instanceof SetupFailure)) throw error;
    log(`notice: ${error.message}\n${error.remedy}`.replaceAll("\n", "\n       "));
  }
}

/**
 * Downloads a file, resuming an interrupted download, and checks its hash before it gets its name.
 * @param {{ url: string, md5: string }} source
 * @param {string} file
 * @param {(line: string) => void} log
 * @param {number} [timeoutMs]
 */
export async function download(source, file, log, timeoutMs = TIMEOUT_MS) {
  if (existsSync(file)) return;
  const partial = `${file}.partial`;
  await mkdir(dirname(file), { recursive: true }).catch((error) => {
    throw downloadFailure(source.url, error);
  });
  const resumed = (await stat(partial).catch(() => undefined))?.size ?? 0;
  if (resumed > 0) log(`resuming after ${resumed} bytes`);
  await fetchInto(source.url, partial, resumed, timeoutMs);
  const md5 = await md5Of(partial);
  if (md5 !== source.md5) {
    await rm(partial);
    throw new SetupFailure(
      `The downloaded weights have a wrong checksum: expected md5 ${source.md5}, received ${md5}.`,
      "Try again. If it happens again, do not use the file: the server or a proxy serves a different one.",
    );
  }
  await rename(partial, file);
}

/** @param {string} url @param {string} partial @param {number} from bytes that are there already @param {number} timeoutMs */
async function fetchInto(url, partial, from, timeoutMs) {
  const controller = new AbortController();
  // Imported here because set-up starts before the npm packages are installed. Node's own fetch ignores HTTPS_PROXY before Node 24.
  const { EnvHttpProxyAgent, fetch } = await import("undici");
  const dispatcher = new EnvHttpProxyAgent();
  const timer = setTimeout(
    () => controller.abort(new Error(`no answer for ${timeoutMs / 1000} s`)),
    timeoutMs,
  );
  try {
    const headers = from > 0 ? { range: `bytes=${from}-` } : {};
    const response = await fetch(url, { headers, signal: controller.signal, dispatcher });
    if (response.status === 416) return; // the file is complete; its hash decides
    if (!response.ok || response.body === null) throw new Error(`the server answered ${response.status}`);
    const start = response.status === 206 ? from : 0;
    const total = start + Number(response.headers.get("content-length") ?? 0);
    const progress = progressLine("VGG-19's weights", total);
    let received = start;
    await pipeline(
      response.body,
      async function* (chunks) {
        for await (const chunk of chunks) {
          timer.refresh();
          received += chunk.length;
          progress.update(received);
          yield chunk;
        }
      },
      createWriteStream(partial, { flags: start > 0 ? "a" : "w" }),
    );
    progress.end();
    if (received < total) throw new Error(`the connection ended after ${received} of ${total} bytes`);
  } catch (error) {
    throw downloadFailure(url, error);
  } finally {
    clearTimeout(timer);
    await dispatcher.destroy();
  }
}

/** @param {string} url @param {any} error */
function downloadFailure(url, error) {
  if (error.code === "ENOSPC") {
    return new SetupFailure(
      "There is not enough disk space for VGG-19's weights.",
      "Make room and run it again.",
    );
  }
  return new SetupFailure(
    `VGG-19's weights could not be downloaded: ${error.cause?.code ?? error.message}.`,
    `Run it again (it resumes), or put the file of ${url} into models/vgg19/,\n` +
      "or set NST_VGG19_WEIGHTS to a folder that has it, or a TensorFlow.js layers model.",
  );
}

/** @param {string} file */
async function md5Of(file) {
  const hash = createHash("md5");
  for await (const chunk of createReadStream(file)) hash.update(chunk);
  return hash.digest("hex");
}
