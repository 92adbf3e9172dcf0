import { readdir, readFile } from "node:fs/promises";
import { extname, join } from "node:path";
import { z } from "zod";
import { ProblemError } from "../../contract/problems.ts";
import { ROOT } from "../../root.ts";
import type { ApiPlugin } from "../dependencies.ts";

const FOLDER = join(ROOT, "dist", "studio");
const PAGE = "index.html";

/** The page may load from and send to this service only. It shows pictures from memory (blob:). */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "font-src 'self'",
  "img-src 'self' blob: data:",
  "connect-src 'self'",
  "form-action 'none'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join("; ");

const TYPES: Record<string, string> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
  ".jpg": "image/jpeg",
  ".woff2": "font/woff2",
};

/** GET / and /studio/{name}: the web page that the build writes to dist/studio. Its few small files stay in memory. */
const studio: ApiPlugin = async (app) => {
  const files = new Map<string, { type: string; bytes: Buffer }>();
  for (const name of await readdir(FOLDER).catch(() => [])) {
    const type = TYPES[extname(name)];
    if (type) files.set(name, { type, bytes: await readFile(join(FOLDER, name)) });
  }
  const page = files.get(PAGE);
  if (!page) app.log.warn(`no studio at /: ${FOLDER} has no ${PAGE}; run npm run setup to build it`);

  app.get(
    "/",
    { config: { scope: "public", page: true }, schema: { hide: true } },
    async (_request, reply) => {
      if (!page) throw new ProblemError("unknown_route", "The studio is not built");
      return reply
        .headers({
          "content-type": page.type,
          // The names of the other files contain a hash of their content, so only the page can become outdated.
          "cache-control": "no-cache",
          "content-security-policy": CONTENT_SECURITY_POLICY,
        })
        .send(page.bytes);
    },
  );

  app.get(
    "/studio/:name",
    { config: { scope: "public" }, schema: { hide: true, params: z.object({ name: z.string() }) } },
    async (request, reply) => {
      const { name } = request.params;
      const file = name === PAGE ? undefined : files.get(name);
      if (!file) throw new ProblemError("unknown_route", "The studio has no file with this name");
      return reply
        .headers({ "content-type": file.type, "cache-control": "public, max-age=31536000, immutable" })
        .send(file.bytes);
    },
  );
};

export default studio;
