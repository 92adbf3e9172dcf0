import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { beforeAll, describe, expect, it } from "@jest/globals";
import { parse } from "yaml";
import { ROOT } from "../../src/root.ts";
import { describeIfPossible } from "../support/requirements.ts";
import { TestService } from "../support/service.ts";
import { form } from "../support/submission-form.ts";

const { onPath } = await import(`${ROOT}/scripts/setup/on-path.mjs`);

interface Rule {
  alert: string;
  expr: string;
  annotations: { runbook: string };
}
interface Panel {
  title: string;
  targets: { expr: string }[];
}

const read = (path: string) => readFile(join(ROOT, path), "utf8");
let exposed: string;
let rules: Rule[];
let panels: Panel[];
beforeAll(async () => {
  const service = await TestService.start();
  try {
    const { links } = (await (
      await service.fetch("/v1/jobs", { method: "POST", body: await form({ options: '{"size":64}' }) })
    ).json()) as { links: { self: string } };
    await service.fetch(links.self);
    exposed = await (await service.fetch("/metrics")).text();
  } finally {
    await service.stop();
  }
  const alerts = parse(await read("ops/alerts.yaml")) as { groups: { rules: Rule[] }[] };
  rules = alerts.groups.flatMap((group) => group.rules);
  panels = (JSON.parse(await read("ops/grafana-dashboard.json")) as { panels: Panel[] }).panels;
});

/** What a query asks for: a metric's name and the labels it is picked and grouped by. */
function asked(expr: string): { name: string; labels: string[] }[] {
  const grouped = [...expr.matchAll(/\bby \(([^)]*)\)/g)].flatMap(([, names]) => (names ?? "").split(/, */));
  return [...expr.matchAll(/\b((?:nst|process|nodejs)_\w+)(?:\{([^}]*)\})?/g)].map(
    ([, name = "", picked = ""]) => ({
      name,
      labels: [...grouped, ...[...picked.matchAll(/(\w+)[!=]/g)].map(([, label]) => label ?? "")],
    }),
  );
}

/** Label values that a query picks one of, such as status="queued". */
function picked(expr: string): { name: string; label: string; value: string }[] {
  return [...expr.matchAll(/\b((?:nst)_\w+)\{([^}]*)\}/g)].flatMap(([, name = "", labels = ""]) =>
    [...labels.matchAll(/(\w+)="([^"]*)"/g)].map(([, label = "", value = ""]) => ({ name, label, value })),
  );
}

const queries = () => [
  ...rules.map(({ expr }) => expr),
  ...panels.flatMap(({ targets }) => targets.map(({ expr }) => expr)),
];

describe("Alerts and dashboard", () => {
  it("ask only for metrics, labels and values that the service exposes", () => {
    expect(queries().length).toBeGreaterThan(20);
    for (const { name, labels } of queries().flatMap(asked)) {
      const lines = exposed
        .split("\n")
        .filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `));
      const declared = exposed.includes(`# TYPE ${name.replace(/_(bucket|sum|count)$/, "")} `);
      expect([name, lines.length > 0 || declared]).toEqual([name, true]);
      // What workers tell of themselves has no samples while there is no worker.
      if (lines.length === 0) continue;
      // `instance` is Prometheus's own.
      for (const label of labels.filter((one) => one !== "instance")) {
        expect([name, label, lines.some((line) => line.includes(`${label}="`))]).toEqual([name, label, true]);
      }
    }
    for (const { name, label, value } of queries().flatMap(picked)) {
      expect([name, value, exposed.includes(`${label}="${value}"`)]).toEqual([name, value, true]);
    }
  });

  it("have all of the service's own metrics but those of single processes", () => {
    const own = [...exposed.matchAll(/^# TYPE (nst_\w+)/gm)].map(([, name]) => name ?? "");
    const shown = queries().join("\n");
    expect(own.filter((name) => !shown.includes(name))).toEqual([]);
  });

  it("are explained in the runbook, each alert under its own heading", async () => {
    const runbook = await read("docs/runbook.md");
    for (const { alert, annotations } of rules) {
      expect(runbook).toContain(`\n## ${alert}\n`);
      expect(annotations.runbook).toBe(`docs/runbook.md#${alert.toLowerCase()}`);
    }
  });
});

const promtool: string | undefined = onPath("promtool");
const missing = promtool ? undefined : "promtool is missing (Debian, Ubuntu: apt install prometheus)";
describeIfPossible("Prometheus itself", missing, () => {
  it("accepts the alert rules and its configuration", async () => {
    const run = promisify(execFile);
    const promtoolPath = promtool ?? "";
    const { stdout } = await run(promtoolPath, ["check", "rules", join(ROOT, "ops/alerts.yaml")]);
    expect(stdout).toContain(`SUCCESS: ${rules.length} rules found`);
    const config = await run(promtoolPath, ["check", "config", join(ROOT, "ops/prometheus.yaml")]);
    expect(config.stdout).toContain("SUCCESS");
  });
});
