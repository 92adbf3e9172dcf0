import { PROBLEMS } from "../../contract/problems.ts";

/** The part of an OpenAPI document that the page shows. */
export interface ApiDocument {
  info: { title: string; version: string; description?: string };
  paths?: Record<string, Record<string, Operation> | undefined>;
  components?: { schemas?: Record<string, unknown> };
}
interface Operation {
  summary?: string;
  description?: string;
  operationId?: string;
  parameters?: { name: string; in: string; required?: boolean; description?: string; schema?: unknown }[];
  requestBody?: { content?: Record<string, { schema?: unknown }> };
  responses?: Record<string, { description?: string; content?: Record<string, { schema?: unknown }> }>;
}

/** The API documentation as an HTML page without scripts or external files. */
export function docsPage(document: ApiDocument): string {
  const { info, paths = {}, components } = document;
  const operations = Object.entries(paths).flatMap(([path, item = {}]) =>
    Object.entries(item).map(([method, operation]) => operationSection(method, path, operation)),
  );
  const schemas = Object.entries(components?.schemas ?? {}).map(
    ([name, schema]) => `<h3 id="schema-${escapeHtml(name)}">${escapeHtml(name)}</h3>${json(schema)}`,
  );
  const problems = Object.entries(PROBLEMS).map(
    ([code, { status, title, retryable }]) =>
      `<tr id="problem-${code}"><td><code>${code}</code></td><td>${status}</td><td>${escapeHtml(title)}</td>` +
      `<td>${retryable ? "yes" : "no"}</td></tr>`,
  );
  return page(
    `${info.title}: the API`,
    `<h1>${escapeHtml(info.title)} <small>${escapeHtml(info.version)}</small></h1><p>${escapeHtml(info.description ?? "")}</p>
<p>Machine-readable: <a href="/openapi.yaml">openapi.yaml</a>. See also <a href="#problems">problems</a> and <a href="#schemas">schemas</a>.</p>
${operations.join("\n")}
<h2 id="problems">Problems</h2>
<p>Every error response is <code>application/problem+json</code> (RFC 9457) with one of these codes.</p>
<table><tr><th>code</th><th>status</th><th>meaning</th><th>retryable</th></tr>${problems.join("\n")}</table>
<h2 id="schemas">Schemas</h2>${schemas.join("\n")}`,
  );
}

function operationSection(method: string, path: string, operation: Operation): string {
  const parameters = (operation.parameters ?? []).map(
    ({ name, in: place, required, description, schema }) =>
      `<tr><td><code>${escapeHtml(name)}</code></td><td>${place}${required ? ", required" : ""}</td>` +
      `<td>${escapeHtml(description ?? "")}</td><td><code>${escapeHtml(JSON.stringify(schema ?? {}))}</code></td></tr>`,
  );
  const bodies = Object.entries(operation.requestBody?.content ?? {}).map(
    ([type, { schema }]) =>
      `<details><summary>Body: <code>${escapeHtml(type)}</code></summary>${json(schema)}</details>`,
  );
  const responses = Object.entries(operation.responses ?? {}).map(
    ([status, { description, content }]) =>
      `<tr><td>${escapeHtml(status)}</td><td>${escapeHtml(description ?? "").replaceAll("\n", "<br>")}</td>` +
      `<td>${Object.entries(content ?? {})
        .map(mediaType)
        .join("<br>")}</td></tr>`,
  );
  return `<section id="${escapeHtml(operation.operationId ?? "")}">
<h2><code>${method.toUpperCase()} ${escapeHtml(path)}</code></h2>
<p>${escapeHtml(operation.summary ?? "")}. ${escapeHtml(operation.description ?? "")}</p>
${parameters.length > 0 ? `<table><tr><th>parameter</th><th>in</th><th></th><th>schema</th></tr>${parameters.join("")}</table>` : ""}
${bodies.join("")}
<table><tr><th>response</th><th></th><th>body</th></tr>${responses.join("")}</table>
</section>`;
}

function mediaType([type, { schema }]: [string, { schema?: unknown }]): string {
  const name = /"#\/components\/schemas\/(\w+)"/.exec(JSON.stringify(schema) ?? "")?.[1];
  const link = name ? ` <a href="#schema-${name}">${name}</a>` : "";
  return `<code>${escapeHtml(type)}</code>${link}`;
}

function json(value: unknown): string {
  return `<pre>${escapeHtml(JSON.stringify(value, null, 2) ?? "")}</pre>`;
}

function escapeHtml(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}

function page(title: string, body: string): string {
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title><style>${STYLE}</style></head><body>${body}</body></html>
`;
}

const STYLE = `
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; margin: 0.5rem 0 1rem; display: block; overflow-x: auto; }
th, td { text-align: left; vertical-align: top; padding: 0.25rem 0.75rem 0.25rem 0; border-bottom: 1px solid #8884; }
pre { overflow-x: auto; padding: 0.75rem; background: #8881; border-radius: 4px; font-size: 0.8rem; }
section { border-top: 1px solid #8888; margin-top: 2rem; }
tr:target { background: #fd08; }`;
