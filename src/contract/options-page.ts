import { z } from "zod";
import { optionsSchema, presetNameSchema } from "./options.ts";
import { DEFAULT_PRESET, PRESETS } from "./presets.ts";

/** As much of JSON Schema as the options use. */
interface Schema {
  type?: string | string[];
  description?: string;
  enum?: unknown[];
  const?: unknown;
  minimum?: number;
  exclusiveMinimum?: number;
  maximum?: number;
  minItems?: number;
  maxItems?: number;
  items?: Schema;
  properties?: Record<string, Schema>;
  propertyNames?: Schema;
  additionalProperties?: Schema | boolean;
  anyOf?: Schema[];
}

/** docs/options.md: every option with what it takes and means, and what each preset sets it to. */
export function optionsPage(): string {
  const { properties = {} } = z.toJSONSchema(optionsSchema, { reused: "inline" }) as Schema;
  const names = presetNameSchema.options;
  return `# Options

Generated from the contract's schemas by \`npm run openapi\`. The service gives the same at \`GET /v1/presets\`.

Options are sent as JSON beside the pictures. What is left out comes from the preset, and where no preset is named, from
\`${DEFAULT_PRESET}\`. What each of them does to a picture is shown in [How it paints](how-it-paints.md).

${Object.entries(properties)
  .map(([name, schema]) => section(name, schema))
  .join("\n\n")}

## The presets

${table(
  ["option", ...names],
  Object.keys(properties)
    .filter((name) => name !== "preset" && name !== "seed")
    .map((name) => [`\`${name}\``, ...names.map((preset) => show(PRESETS[preset], name))]),
)}
`;
}

function section(name: string, schema: Schema): string {
  const lines = [`## \`${name}\``, "", sentence(schema.description), "", `Takes ${takes(schema)}.`];
  for (const [field, part] of Object.entries(schema.properties ?? {})) {
    lines.push("", `- \`${name}.${field}\`: ${takes(part)}. ${sentence(part.description)}`.trimEnd());
  }
  return lines.filter((line, index) => line !== "" || lines[index - 1] !== "").join("\n");
}

/** What values a schema allows, in words. */
function takes(schema: Schema): string {
  if (schema.const !== undefined) return code(schema.const);
  if (schema.enum) return `one of ${schema.enum.map(code).join(", ")}`;
  if (schema.anyOf) return schema.anyOf.map(takes).join(", or ");
  if (schema.type === "integer") return `a whole number${range(schema)}`;
  if (schema.type === "number") return `a number${range(schema)}`;
  if (schema.type === "boolean") return "`true` or `false`";
  if (schema.type === "string") return "a text";
  if (schema.type === "null") return "`null`";
  if (schema.type === "array") return `a list${range(schema)}, of each entry ${takes(schema.items ?? {})}`;
  if (schema.properties) return `an object of ${Object.keys(schema.properties).map(code).join(", ")}`;
  if (typeof schema.additionalProperties === "object") {
    const keys = schema.propertyNames?.enum ?? [];
    const shown = keys.length > 6 ? [code(keys[0]), "…", code(keys.at(-1))] : keys.map(code);
    return `an object whose names are of ${shown.join(", ")} and whose values are each ${takes(schema.additionalProperties)}`;
  }
  return "any value";
}

function range({ minimum, exclusiveMinimum, maximum, minItems, maxItems }: Schema): string {
  if (exclusiveMinimum !== undefined) return ` above ${figure(exclusiveMinimum)}${upTo(maximum)}`;
  if (minimum !== undefined) return ` from ${figure(minimum)}${upTo(maximum)}`;
  if (minItems !== undefined || maxItems !== undefined)
    return ` of ${minItems ?? 0} to ${maxItems ?? "any number"}`;
  return "";
}

const upTo = (maximum?: number) => (maximum === undefined ? "" : ` to ${figure(maximum)}`);
const figure = (value: number) => (value >= 1e10 ? value.toExponential() : value.toLocaleString("en"));
const code = (value: unknown) => `\`${typeof value === "string" ? value : JSON.stringify(value)}\``;
const sentence = (text = "") => (text === "" || /[.!?]$/.test(text) ? text : `${text}.`);

function show(preset: object, name: string): string {
  const value = Object.entries(preset).find(([key]) => key === name)?.[1];
  if (value === undefined) return "–";
  if (value === null || typeof value !== "object") return String(value);
  if (Array.isArray(value)) return JSON.stringify(value);
  return Object.entries(value)
    .map(([key, part]) => `${key}: ${typeof part === "object" ? JSON.stringify(part) : part}`)
    .join("<br>");
}

function table(head: string[], rows: string[][]): string {
  const line = (cells: string[]) => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}
