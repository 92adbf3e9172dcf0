import { createHash, randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type RequestListener, type Server } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { ROOT } from "../../src/root.ts";

const { download } = await import(`${ROOT}/scripts/setup/weights.mjs`);

const BYTES = randomBytes(300_000);
const MD5 = createHash("md5").update(BYTES).digest("hex");

describe("The download of the weights", () => {
  let folder: string;
  let file: string;
  let server: Server;
  let ranges: (string | undefined)[];

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "nst-"));
    file = join(folder, "models/weights.h5");
    ranges = [];
  });

  afterEach(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    await rm(folder, { recursive: true });
  });

  async function serve(listener: RequestListener): Promise<string> {
    server = createServer((request, response) => {
      ranges.push(request.headers.range);
      listener(request, response);
    }).listen(0, "127.0.0.1");
    await new Promise((resolve) => server.once("listening", resolve));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}/weights.h5`;
  }

  /** A file server that supports ranges. */
  const honest: RequestListener = (request, response) => {
    const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? "")?.[1] ?? 0);
    if (from >= BYTES.length) {
      response.writeHead(416).end();
      return;
    }
    response
      .writeHead(from > 0 ? 206 : 200, { "content-length": BYTES.length - from })
      .end(BYTES.subarray(from));
  };
  const get = (url: string, md5 = MD5, timeoutMs?: number) =>
    download({ url, md5 }, file, () => undefined, timeoutMs);

  it("stores the whole file and leaves nothing else", async () => {
    await get(await serve(honest));
    expect(BYTES.equals(await readFile(file))).toBe(true);
    expect(existsSync(`${file}.partial`)).toBe(false);
  });

  it("does not ask the server if the file exists", async () => {
    const url = await serve(honest);
    await get(url);
    await get(url);
    expect(ranges).toHaveLength(1);
  });

  it("resumes after a broken connection", async () => {
    let requests = 0;
    const url = await serve((request, response) => {
      requests += 1;
      if (requests > 1) {
        honest(request, response);
        return;
      }
      response.writeHead(200, { "content-length": BYTES.length });
      response.write(BYTES.subarray(0, 100_000), () => setTimeout(() => response.destroy(), 100));
    });
    await expect(get(url)).rejects.toMatchObject({
      message: expect.stringMatching(/^VGG-19's weights could not be downloaded: /),
      remedy: expect.stringContaining("it resumes"),
    });
    expect(existsSync(file)).toBe(false);
    await get(url);
    expect(ranges).toEqual([undefined, "bytes=100000-"]);
    expect(BYTES.equals(await readFile(file))).toBe(true);
  });

  it("starts over if the server does not support ranges", async () => {
    await get(await serve(honest));
    await rm(file);
    await writeFile(`${file}.partial`, BYTES.subarray(0, 50_000));
    server.removeAllListeners("request");
    server.on("request", (_request, response) => {
      response.writeHead(200, { "content-length": BYTES.length }).end(BYTES);
    });
    await get(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    expect(BYTES.equals(await readFile(file))).toBe(true);
  });

  it("accepts a complete file that was not renamed yet", async () => {
    const url = await serve(honest);
    await get(url);
    await writeFile(`${file}.partial`, BYTES);
    await rm(file);
    await get(url);
    expect(BYTES.equals(await readFile(file))).toBe(true);
  });

  it("deletes a file with another hash, and names both hashes", async () => {
    const wrong = "0".repeat(32);
    await expect(get(await serve(honest), wrong)).rejects.toThrow(`expected md5 ${wrong}, received ${MD5}`);
    expect(existsSync(file)).toBe(false);
    expect(existsSync(`${file}.partial`)).toBe(false);
  });

  it("deletes a resumed file whose hash is wrong", async () => {
    const url = await serve(honest);
    await get(url);
    await rm(file);
    await writeFile(`${file}.partial`, Buffer.alloc(1_000));
    await expect(get(url)).rejects.toThrow("expected md5");
    await get(url);
    expect(BYTES.equals(await readFile(file))).toBe(true);
  });

  it.each([403, 404, 500])("reports that the server answered %i", async (status) => {
    const url = await serve((_request, response) => response.writeHead(status).end("no"));
    await expect(get(url)).rejects.toThrow(`could not be downloaded: the server answered ${status}.`);
    expect(existsSync(file)).toBe(false);
  });

  it("fails if the server sends nothing more", async () => {
    const url = await serve((_request, response) => {
      response.writeHead(200, { "content-length": BYTES.length });
      response.write(BYTES.subarray(0, 1000));
    });
    await expect(get(url, MD5, 300)).rejects.toThrow("no answer for 0.3 s");
  });

  it("goes through the proxy that the environment names", async () => {
    const url = await serve(honest);
    const asked: (string | undefined)[] = [];
    const proxy = createServer().listen(0, "127.0.0.1");
    proxy.on("connect", (request, client) => {
      asked.push(request.url);
      const target = connect(Number(new URL(url).port), "127.0.0.1", () => {
        client.write("HTTP/1.1 200 Connection established\r\n\r\n");
        client.pipe(target).pipe(client);
      });
    });
    await new Promise((resolve) => proxy.once("listening", resolve));
    process.env.HTTP_PROXY = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
    try {
      await get(url.replace("127.0.0.1", "weights.example"));
      expect(asked).toEqual([`weights.example:${new URL(url).port}`]);
      expect(BYTES.equals(await readFile(file))).toBe(true);
    } finally {
      delete process.env.HTTP_PROXY;
      proxy.close();
    }
  });

  it("reports a refused connection", async () => {
    const url = await serve(honest);
    await new Promise((resolve) => server.close(resolve));
    await expect(get(url)).rejects.toThrow("could not be downloaded: ECONNREFUSED.");
  });
});
