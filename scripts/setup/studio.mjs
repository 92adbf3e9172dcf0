import { readFile, rm, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";

/**
 * Bundles the studio into dist/studio: the page, and its script, style, fonts and pictures, whose names hold a hash of
 * their content so that browsers may cache them forever.
 * @param {string} root
 */
export async function buildStudio(root) {
  // Imported here because set-up starts before the npm packages are installed.
  const { build } = await import("esbuild");
  const source = join(root, "studio");
  const target = join(root, "dist", "studio");
  await rm(target, { recursive: true, force: true });
  const { metafile } = await build({
    entryPoints: [join(source, "main.tsx")],
    outdir: target,
    publicPath: "/studio",
    bundle: true,
    minify: true,
    format: "esm",
    target: ["chrome123", "firefox120", "safari17.5"],
    jsx: "automatic",
    jsxImportSource: "preact",
    entryNames: "[name]-[hash]",
    assetNames: "[name]-[hash]",
    loader: { ".jpg": "file", ".woff2": "file", ".svg": "file" },
    metafile: true,
    logLevel: "silent",
    absWorkingDir: root,
  });
  const built = Object.keys(metafile.outputs).map((path) => basename(path));
  const named = (prefix, ending) => built.find((name) => name.startsWith(prefix) && name.endsWith(ending));
  const page = await readFile(join(source, "index.html"), "utf8");
  const names = {
    script: named("main-", ".js"),
    style: named("main-", ".css"),
    icon: named("icon-", ".svg"),
  };
  await writeFile(
    join(target, "index.html"),
    page.replace(/\{\{(\w+)\}\}/g, (_, name) => `/studio/${names[name]}`),
  );
}
