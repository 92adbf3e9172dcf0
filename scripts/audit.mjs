// npm run audit [-- --strict]: known vulnerabilities in dependencies, and their licences. Exits with 1 if one is not allowed
// in scripts/audit/allowed.mjs; with --strict also if the registry does not answer.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { ALLOWED_ADVISORIES } from "./audit/allowed.mjs";
import { licencesOf, unusualLicences } from "./audit/licences.mjs";
import { runCommand } from "./setup/command.mjs";
import { ROOT } from "./setup/folders.mjs";

const { values } = parseArgs({ options: { strict: { type: "boolean", default: false } } });
const lock = JSON.parse(await readFile(join(ROOT, "package-lock.json"), "utf8"));

console.log("Licences of what is shipped:");
for (const [licence, names] of licencesOf(lock))
  console.log(
    `  ${licence}: ${names.length} (${names.slice(0, 3).join(", ")}${names.length > 3 ? ", …" : ""})`,
  );
const unusual = unusualLicences(lock);
for (const line of unusual) console.log(`  NOT ALLOWED ${line}`);

const advisories = await fetchAdvisories();
if (typeof advisories === "string") {
  console.log(`\nVULNERABILITIES WERE NOT CHECKED: the registry's audit does not answer (${advisories}).`);
} else {
  const open = advisories.filter(({ id }) => !(id in ALLOWED_ADVISORIES));
  for (const { id } of advisories)
    if (id in ALLOWED_ADVISORIES) console.log(`\nallowed: ${id}: ${ALLOWED_ADVISORIES[id]}`);
  for (const { id, name, severity, title } of open)
    console.log(`\nVULNERABILITY ${id} in ${name} (${severity}): ${title}`);
  if (open.length === 0)
    console.log(`\nNo known vulnerabilities${advisories.length > 0 ? " besides the allowed ones" : ""}.`);
  if (open.length > 0) process.exitCode = 1;
}
if (unusual.length > 0 || (values.strict && typeof advisories === "string")) process.exitCode = 1;

/**
 * The registry's advisories for the installed packages, or why it gives none.
 * @returns {Promise<string | { id: string, name: string, severity: string, title: string }[]>}
 */
async function fetchAdvisories() {
  const { output } = await runCommand("npm", ["audit", "--json", "--audit=true"], { cwd: ROOT });
  const text = output.slice(output.indexOf("{"), output.lastIndexOf("}") + 1);
  let report;
  try {
    report = JSON.parse(text);
  } catch {
    return output.trim().split("\n")[0] ?? "no answer";
  }
  if (!report.vulnerabilities) return report.message ?? "an answer without a report";
  const found = new Map();
  for (const { via, name } of Object.values(report.vulnerabilities)) {
    for (const one of via) {
      if (typeof one === "string") continue;
      const id = /GHSA-[\w-]+/.exec(one.url ?? "")?.[0] ?? String(one.source);
      found.set(id, { id, name: one.name ?? name, severity: one.severity, title: one.title });
    }
  }
  return [...found.values()];
}
