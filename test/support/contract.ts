import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Ajv2020 } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { parse } from "yaml";
import { ROOT } from "../../src/root.ts";

type Media = Record<string, unknown>;
interface Operation {
  requestBody?: { content: Media };
  responses: Record<string, { content?: Media }>;
}
interface Document {
  paths: Record<string, Record<string, Operation>>;
  webhooks: Record<string, Record<string, Operation>>;
  components: {
    schemas: Record<string, { examples?: unknown[] }>;
    examples: Record<string, { value: unknown }>;
  };
}

const NAME = "openapi";
const document = parse(readFileSync(join(ROOT, "openapi.yaml"), "utf8")) as Document;
const ajv = new Ajv2020({ strict: false, allErrors: true });
addFormats.default(ajv, { mode: "full" });
ajv.addSchema(document, NAME);

/** `fetch` that throws if the status, media type or JSON of a response is not in openapi.yaml. */
export async function fetchByContract(input: Request | string, init?: RequestInit): Promise<Response> {
  const request = new Request(input, init);
  const response = await fetch(request);
  const method = request.method.toLowerCase();
  const path = pathOf(new URL(request.url).pathname);
  const responses = path && document.paths[path]?.[method]?.responses;
  const name = `${request.method} ${request.url} → ${response.status}`;
  if (!path || !responses) throw new Error(`${name}: openapi.yaml has no such operation`);
  const documented = responses[response.status];
  if (!documented) throw new Error(`${name}: openapi.yaml has no such response`);
  const type = response.headers.get("content-type")?.split(";")[0] ?? "";
  if (!documented.content && type !== "") throw new Error(`${name}: openapi.yaml says there is no body`);
  if (documented.content && !(type in documented.content))
    throw new Error(`${name}: undocumented media type ${type}`);
  if (/[/+]json$/.test(type)) {
    const place = ["paths", path, method, "responses", String(response.status), "content", type, "schema"];
    const check = ajv.compile({ $ref: `${NAME}#/${place.map(escapePointer).join("/")}` });
    const body: unknown = await response.clone().json();
    if (!check(body)) throw new Error(`${name}: ${ajv.errorsText(check.errors)}\n${JSON.stringify(body)}`);
  }
  return response;
}

function pathOf(pathname: string): string | undefined {
  return Object.keys(document.paths).find((path) =>
    new RegExp(`^${path.replaceAll(/\{\w+\}/g, "[^/]+")}$`).test(pathname),
  );
}

/** Escapes a step of a JSON pointer in a URI fragment (RFC 6901, section 6). */
const escapePointer = (step: string) => encodeURIComponent(step.replaceAll("~", "~0").replaceAll("/", "~1"));

interface Described {
  schema?: object;
  examples?: Record<string, { value?: unknown; $ref?: string }>;
}

/** Validates every example of openapi.yaml against its schema; `error` is null if it is valid. */
export function checkedExamples(): { name: string; error: string | null }[] {
  const found: { name: string; error: string | null }[] = [];
  const check = (place: string[], key: string, value: unknown) => {
    const schema = ajv.compile({ $ref: `${NAME}#/${place.map(escapePointer).join("/")}` });
    found.push({
      name: [...place, key].join(" "),
      error: schema(value) ? null : ajv.errorsText(schema.errors),
    });
  };
  const checkAll = (place: string[], content: Media = {}) => {
    for (const [type, media] of Object.entries(content)) {
      for (const [key, { value, $ref = "" }] of Object.entries((media as Described).examples ?? {})) {
        const name = $ref.split("/").at(-1) ?? "";
        check([...place, type, "schema"], key, value ?? document.components.examples[name]?.value);
      }
    }
  };
  for (const part of ["paths", "webhooks"] as const) {
    for (const [path, operations] of Object.entries(document[part])) {
      for (const [method, { requestBody, responses }] of Object.entries(operations)) {
        checkAll([part, path, method, "requestBody", "content"], requestBody?.content);
        for (const [status, { content }] of Object.entries(responses))
          checkAll([part, path, method, "responses", status, "content"], content);
      }
    }
  }
  for (const [name, { examples = [] }] of Object.entries(document.components.schemas))
    for (const example of examples) check(["components", "schemas", name], "example", example);
  return found;
}
