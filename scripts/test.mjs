// npm test [-- jest's arguments]: set-up, build, then the compiled tests.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { runScript, SetupFailure } from "./setup/failure.mjs";
import { checkNode } from "./setup/node.mjs";

await runScript(async () => {
  checkNode(process.versions.node);
  const { ROOT } = await import("./setup/folders.mjs");
  const { setUp } = await import("./setup/steps.mjs");
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
    // With --json Jest also prints the results to stdout; what a person reads is on stderr.
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
    throw new SetupFailure("Jest ended without results.", "See its output above.");
  }
}

/**
 * Prints the closing line.
 * @param {{ numPassedTests: number, numFailedTests: number, numPendingTests: number, numRuntimeErrorTestSuites: number }} results
 * @returns {boolean} whether tests ran and all of them passed
 */
function summarize(results) {
  const passed = results.numPassedTests;
  const failed = results.numFailedTests + results.numRuntimeErrorTestSuites;
  const skipped = results.numPendingTests > 0 ? `, ${results.numPendingTests} skipped` : "";
  if (passed + failed === 0) console.error("No test ran.");
  console.log(`${passed} passed, ${failed} failed${skipped}`);
  return passed > 0 && failed === 0;
}
