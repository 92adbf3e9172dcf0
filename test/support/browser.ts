import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { findExecutable } from "./find-executable.ts";

const ARGUMENTS = [
  ...["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"],
  ...["--disable-background-networking", "--disable-component-update", "--disable-sync"],
];

/** The Chromium of this machine. */
export async function launchBrowser(): Promise<Browser> {
  const executablePath = await findExecutable("chromium", "chromium-browser", "google-chrome");
  if (!executablePath) {
    throw new Error("The studio's tests need Chromium. Debian, Ubuntu: apt install chromium");
  }
  return await chromium.launch({ executablePath, args: ARGUMENTS });
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
