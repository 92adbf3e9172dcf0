import { readdir, readFile } from "node:fs/promises";
import { extname, join } from "node:path";
import { z } from "zod";
import { ProblemError } from "../../contract/problems.ts";
import { ROOT } from "../../root.ts";
import type { App } from "../dependencies.ts";

const FOLDER = join(ROOT, "dist", "studio");
const PAGE = "index.html";

/** What the studio's page may load and speak to: this service. Pictures are shown from memory (blob). */
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

/** GET /: the studio, from what the build left in dist/studio; its files are small and stay in memory. */
export async function studioRoutes(app: App): Promise<void> {
  const files = new Map<string, { type: string; bytes: Buffer }>();
  for (const name of await readdir(FOLDER).catch(() => [])) {
    const type = TYPES[extname(name)];
    if (type) files.set(name, { type, bytes: await readFile(join(FOLDER, name)) });
  }
  const page = files.get(PAGE);
  if (!page) app.log.warn("the studio is not built: there is no page at /");

  app.get(
    "/",
    { config: { scope: "public", page: true }, schema: { hide: true } },
    async (_request, reply) => {
      if (!page) throw new ProblemError("unknown_route", "The studio is not built");
      return reply
        .headers({
          "content-type": page.type,
          // The page names the files of one build: it is asked for each time, they never are again.
          "cache-control": "no-cache",
          "content-security-policy": CONTENT_SECURITY_POLICY,
        })
        .send(page.bytes);
    },
  );

  app.get(
    "/studio/:name",
    {
      config: { scope: "public" },
      schema: { hide: true, params: z.object({ name: z.string() }) },
    },
    async (request, reply) => {
      const file = request.params.name === PAGE ? undefined : files.get(request.params.name);
      if (!file) throw new ProblemError("unknown_route", "The studio has no such file");
      return reply
        .headers({
          "content-type": file.type,
          "cache-control": "public, max-age=31536000, immutable",
          "x-content-type-options": "nosniff",
        })
        .send(file.bytes);
    },
  );
}
