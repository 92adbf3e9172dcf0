// npm test [-- Jest's arguments]: sets up, builds, and runs the compiled tests.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { runScript, SetupFailure } from "./setup/failure.mjs";
import { checkNode } from "./setup/node.mjs";

await runScript(async () => {
  checkNode(process.versions.node);
  const { ROOT } = await import("./setup/folders.mjs");
  const { setUp } = await import("./setup/set-up.mjs");
  await setUp({ log: (line) => console.error(`setup: ${line}`) });

  const results = join(ROOT, "build", "test-results.json");
  await rm(results, { force: true });
  const jest = spawn(
    process.execPath,
    [
      ...["--experimental-vm-modules", "--disable-warning=ExperimentalWarning"],
      ...[join(ROOT, "node_modules/jest/bin/jest.js"), "--json", `--outputFile=${results}`],
      ...process.argv.slice(2).map((argument) => argument.replace(/\.ts$/, ".js")),
    ],
    // With --json Jest also prints the results to stdout; its readable report is on stderr.
    { cwd: ROOT, stdio: ["inherit", "ignore", "inherit"] },
  );
  const [code] = await once(jest, "close");
  process.exitCode = summarize(await readResults(results)) && code === 0 ? 0 : 1;
});

/** @param {string} path */
async function readResults(path) {
  try {
    return JSON.parse(await readFile(path, "utf8"));
  } catch {
    throw new SetupFailure("Jest exited without results.", "See its output above.");
  }
}

/**
 * @typedef {object} Results as Jest writes them
 * @property {number} numPassedTests
 * @property {number} numFailedTests
 * @property {number} numPendingTests
 * @property {number} numRuntimeErrorTestSuites
 * @property {{ assertionResults: { status: string, ancestorTitles: string[] }[] }[]} testResults
 */

/**
 * Prints what was skipped and why, then the closing line.
 * @param {Results} results
 * @returns {boolean} whether tests ran and all of them passed
 */
function summarize(results) {
  const passed = results.numPassedTests;
  const failed = results.numFailedTests + results.numRuntimeErrorTestSuites;
  const skipped = results.numPendingTests > 0 ? `, ${results.numPendingTests} skipped` : "";
  const pending = results.testResults
    .flatMap(({ assertionResults }) => assertionResults)
    .filter(({ status }) => status === "pending");
  const isPartial = process.argv.some((argument) => /^(-t|--testNamePattern)/.test(argument));
  for (const title of isPartial ? [] : new Set(pending.map(({ ancestorTitles }) => ancestorTitles[0]))) {
    console.log(`skipped: ${title}`);
  }
  if (passed + failed === 0) console.error("No test ran.");
  console.log(`${passed} passed, ${failed} failed${skipped}`);
  return passed > 0 && failed === 0;
}
