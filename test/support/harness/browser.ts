import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { ROOT } from "../../../src/root.ts";

const { installBrowser } = await import(`${ROOT}/scripts/setup/browser.mjs`);
const { cacheFolder } = await import(`${ROOT}/scripts/setup/folders.mjs`);

const ARGUMENTS = [
  ...["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"],
  ...["--disable-background-networking", "--disable-component-update", "--disable-sync"],
];

export interface Chromium {
  executable: string;
  env: Record<string, string>;
}

/** The Chromium on PATH, else one that is downloaded once; or, as text, why there is none and what to do. */
export async function findChromium(): Promise<Chromium | string> {
  try {
    return (await installBrowser(cacheFolder(), (line: string) =>
      process.stderr.write(`setup: ${line}\n`),
    )) as Chromium;
  } catch (error) {
    const { message, remedy } = error as Error & { remedy?: string };
    if (remedy === undefined) throw error;
    return `${message} ${remedy}`;
  }
}

export async function launchBrowser({ executable, env }: Chromium): Promise<Browser> {
  const environment = Object.entries({ ...process.env, ...env }).filter(([, value]) => value !== undefined);
  return await chromium.launch({
    executablePath: executable,
    args: ARGUMENTS,
    env: Object.fromEntries(environment) as Record<string, string>,
  });
}

/** A page that fails the test on errors of its scripts and on what its policy forbids. */
export async function openPage(
  browser: Browser,
  options: BrowserContextOptions = {},
): Promise<{ page: Page; errors: string[] }> {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  page.setDefaultTimeout(60_000);
  const errors: string[] = [];
  page.on("pageerror", ({ message }) => errors.push(message));
  page.on("console", (message) => {
    if (message.type() === "error" && /policy|Uncaught/i.test(message.text())) errors.push(message.text());
  });
  return { page, errors };
}

let axe: string | undefined;

/** What axe-core finds wrong with the page as it is now: one line for each kind of fault and element. */
export async function accessibilityFaults(page: Page): Promise<string[]> {
  axe ??= await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
  // Evaluated, not added as a script: the page's policy allows none but its own.
  await page.evaluate(axe);
  const violations = await page.evaluate(async () => {
    const { axe: rules } = globalThis as unknown as { axe: { run(): Promise<{ violations: Violation[] }> } };
    return (await rules.run()).violations;
  });
  return violations.flatMap(({ id, help, nodes }) =>
    nodes.map(({ target }) => `${id}: ${help}: ${target.join(" ")}`),
  );
}

interface Violation {
  id: string;
  help: string;
  nodes: { target: string[] }[];
}
