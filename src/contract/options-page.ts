import { z } from "zod";
import { optionsSchema, presetNameSchema } from "./options.ts";
import { DEFAULT_PRESET, PRESETS } from "./presets.ts";

/** The part of JSON Schema that the options use. */
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

/** docs/options.md: every option with its description, its values, and its value in each preset. */
export function optionsPage(): string {
  const { properties = {} } = z.toJSONSchema(optionsSchema, { reused: "inline" }) as Schema;
  const names = presetNameSchema.options;
  return `# Options

Generated from the contract's schemas by \`npm run openapi\`. \`GET /v1/presets\` returns the same information.

Send options as JSON together with the pictures. The preset (by default \`${DEFAULT_PRESET}\`) sets those that you omit.
[How it paints](how-it-paints.md) shows their effects.

${Object.entries(properties)
  .map(([name, schema]) => section(name, schema))
  .join("\n\n")}

## Presets

${table(
  ["option", ...names],
  Object.keys(properties)
    .filter((name) => name !== "preset" && name !== "seed")
    .map((name) => [`\`${name}\``, ...names.map((preset) => show(PRESETS[preset], name))]),
)}
`;
}

function section(name: string, schema: Schema): string {
  const lines = [`## \`${name}\``, "", sentence(schema.description), "", `Value: ${values(schema)}.`];
  for (const [field, part] of Object.entries(schema.properties ?? {})) {
    lines.push("", `- \`${name}.${field}\`: ${values(part)}. ${sentence(part.description)}`.trimEnd());
  }
  return lines.filter((line, index) => line !== "" || lines[index - 1] !== "").join("\n");
}

/** Describes the values that a schema allows. */
function values(schema: Schema): string {
  if (schema.const !== undefined) return code(schema.const);
  if (schema.enum) return `one of ${schema.enum.map(code).join(", ")}`;
  if (schema.anyOf) return schema.anyOf.map(values).join(", or ");
  if (schema.type === "integer") return `an integer${range(schema)}`;
  if (schema.type === "number") return `a number${range(schema)}`;
  if (schema.type === "boolean") return "`true` or `false`";
  if (schema.type === "string") return "a string";
  if (schema.type === "null") return "`null`";
  if (schema.type === "array") return `a list${range(schema)}; each entry is ${values(schema.items ?? {})}`;
  if (schema.properties) return `an object with ${Object.keys(schema.properties).map(code).join(", ")}`;
  if (typeof schema.additionalProperties === "object") {
    const keys = schema.propertyNames?.enum ?? [];
    const shown = keys.length > 6 ? [code(keys[0]), "…", code(keys.at(-1))] : keys.map(code);
    return `an object with names from ${shown.join(", ")}; each value is ${values(schema.additionalProperties)}`;
  }
  return "any value";
}

function range({ minimum, exclusiveMinimum, maximum, minItems, maxItems }: Schema): string {
  if (exclusiveMinimum !== undefined) return ` above ${figure(exclusiveMinimum)}${upTo(maximum)}`;
  if (minimum !== undefined) return ` from ${figure(minimum)}${upTo(maximum)}`;
  if (minItems !== undefined || maxItems !== undefined)
    return ` of ${minItems ?? 0} to ${maxItems ?? "any number of"} entries`;
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
