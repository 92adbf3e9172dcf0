import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { beforeAll, describe, expect, it } from "@jest/globals";
import { parse } from "yaml";
import { ROOT } from "../../src/root.ts";
import { TestService } from "../support/harness/service.ts";
import { describeIfPossible } from "../support/requirements.ts";
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
    exposed = await (
      await service.fetch("/metrics", {
        headers: { authorization: `Bearer ${await service.createKey("admin")}` },
      })
    ).text();
  } finally {
    await service.stop();
  }
  const alerts = parse(await read("deploy/monitoring/alerts.yaml")) as { groups: { rules: Rule[] }[] };
  rules = alerts.groups.flatMap((group) => group.rules);
  panels = (JSON.parse(await read("deploy/monitoring/grafana-dashboard.json")) as { panels: Panel[] }).panels;
});

/** The metrics that a query reads, with the labels that it filters and groups by. */
function metricsIn(expr: string): { name: string; labels: string[] }[] {
  const grouped = [...expr.matchAll(/\bby \(([^)]*)\)/g)].flatMap(([, names]) => (names ?? "").split(/, */));
  return [...expr.matchAll(/\b((?:nst|process|nodejs)_\w+)(?:\{([^}]*)\})?/g)].map(
    ([, name = "", filter = ""]) => ({
      name,
      labels: [...grouped, ...[...filter.matchAll(/(\w+)[!=]/g)].map(([, label]) => label ?? "")],
    }),
  );
}

/** The label values that a query filters by, such as status="queued". */
function labelValuesIn(expr: string): { name: string; label: string; value: string }[] {
  return [...expr.matchAll(/\b((?:nst)_\w+)\{([^}]*)\}/g)].flatMap(([, name = "", labels = ""]) =>
    [...labels.matchAll(/(\w+)="([^"]*)"/g)].map(([, label = "", value = ""]) => ({ name, label, value })),
  );
}

const queries = () => [
  ...rules.map(({ expr }) => expr),
  ...panels.flatMap(({ targets }) => targets.map(({ expr }) => expr)),
];

describe("The alert rules and the dashboard", () => {
  it("use only metrics, labels and values that /metrics exposes", () => {
    expect(queries().length).toBeGreaterThan(20);
    for (const { name, labels } of queries().flatMap(metricsIn)) {
      const lines = exposed
        .split("\n")
        .filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `));
      const declared = exposed.includes(`# TYPE ${name.replace(/_(bucket|sum|count)$/, "")} `);
      expect([name, lines.length > 0 || declared]).toEqual([name, true]);
      // Metrics that workers report have no samples while there is no worker.
      if (lines.length === 0) continue;
      // Prometheus adds `instance`.
      for (const label of labels.filter((candidate) => candidate !== "instance")) {
        expect([name, label, lines.some((line) => line.includes(`${label}="`))]).toEqual([name, label, true]);
      }
    }
    for (const { name, label, value } of queries().flatMap(labelValuesIn)) {
      expect([name, value, exposed.includes(`${label}="${value}"`)]).toEqual([name, value, true]);
    }
  });

  it("use every metric of the service", () => {
    const metrics = [...exposed.matchAll(/^# TYPE (nst_\w+)/gm)].map(([, name]) => name ?? "");
    const used = queries().join("\n");
    expect(metrics.filter((name) => !used.includes(name))).toEqual([]);
  });

  it("have a heading in the runbook for each alert", async () => {
    const runbook = await read("docs/operations.md");
    for (const { alert, annotations } of rules) {
      expect(runbook).toContain(`\n### ${alert}\n`);
      expect(annotations.runbook).toBe(`docs/operations.md#${alert.toLowerCase()}`);
    }
  });
});

const promtool: string | undefined = onPath("promtool");
const missing = promtool ? undefined : "promtool is missing (Debian, Ubuntu: apt install prometheus)";
describeIfPossible("promtool", missing, () => {
  it("accepts the alert rules and the configuration", async () => {
    const run = promisify(execFile);
    const promtoolPath = promtool ?? "";
    const { stdout } = await run(promtoolPath, [
      "check",
      "rules",
      join(ROOT, "deploy/monitoring/alerts.yaml"),
    ]);
    expect(stdout).toContain(`SUCCESS: ${rules.length} rules found`);
    const config = await run(promtoolPath, [
      "check",
      "config",
      join(ROOT, "deploy/monitoring/prometheus.example.yaml"),
    ]);
    expect(config.stdout).toContain("SUCCESS");
  });
});
