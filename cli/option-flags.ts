import { type Command, InvalidArgumentError, Option } from "commander";
import { z } from "zod";
import { type RequestOptions, requestOptionsSchema } from "../src/contract/options.ts";
import { CommandError } from "./errors.ts";
import { EXIT } from "./exit-codes.ts";

export type OptionName = keyof typeof requestOptionsSchema.shape;

/** Adds a flag for each option of a job (`--style-weight` for `style_weight`), with its description from the contract. */
export function addOptionFlags(command: Command, excluded: readonly OptionName[] = []): Command {
  for (const [name, schema] of Object.entries(requestOptionsSchema.shape)) {
    if ((excluded as readonly string[]).includes(name)) continue;
    const flag = name.replaceAll("_", "-");
    const values = valuesOf(z.toJSONSchema(schema, { io: "input", unrepresentable: "any" }));
    const description = [schema.unwrap().description, values && `(${values})`].filter(Boolean).join(" ");
    const option = new Option(`--${flag} <value>`, description).helpGroup("Job options:");
    command.addOption(option.argParser((text) => parseOption(name, text)));
  }
  return command;
}

/** The values that a schema accepts, for help: choices, ranges, JSON. */
function valuesOf(schema: z.core.JSONSchema.BaseSchema): string {
  if (schema.enum) return schema.enum.join(", ");
  if (schema.anyOf) return schema.anyOf.map((one) => valuesOf(one as typeof schema)).join(" or ");
  switch (schema.type) {
    case "integer":
    case "number": {
      const { minimum, exclusiveMinimum, maximum } = schema;
      if (minimum === undefined && exclusiveMinimum === undefined) return String(schema.const ?? "a number");
      return `${minimum === undefined ? `more than ${exclusiveMinimum}, up to` : `${minimum} to`} ${maximum}`;
    }
    case "array":
      return `JSON: a list of up to ${schema.maxItems}, each ${valuesOf(schema.items as typeof schema)}`;
    case "object":
      return `JSON: ${objectExample(schema)}`;
    case "string":
      return schema.pattern ? "content or 0.5x, 2x, …" : "text";
    default:
      return "";
  }
}

/** `{"format": png, jpeg, …}`, or the names and the values of a record. */
function objectExample({
  properties,
  propertyNames,
  additionalProperties,
}: z.core.JSONSchema.BaseSchema): string {
  if (!properties) {
    const [first = "name"] = ((propertyNames as z.core.JSONSchema.BaseSchema | undefined)?.enum ??
      []) as string[];
    return `{"${first}": ${valuesOf(additionalProperties as z.core.JSONSchema.BaseSchema)}, …}`;
  }
  const fields = Object.entries(properties).map(
    ([name, value]) => `"${name}": ${valuesOf(value as z.core.JSONSchema.BaseSchema)}`,
  );
  return `{${fields.join("; ")}}`;
}

/** Parses a flag's value as JSON if the option accepts that, and otherwise takes the text itself. */
function parseOption(name: string, text: string): unknown {
  const schema = Object.entries(requestOptionsSchema.shape).find(([key]) => key === name)?.[1];
  const candidates = [parseJson(text), text].filter((candidate) => candidate !== undefined);
  const valid = candidates.find((candidate) => schema?.safeParse(candidate).success);
  if (valid !== undefined) return valid;
  const issue = schema?.safeParse(candidates[0]).error?.issues[0];
  throw new InvalidArgumentError(issue?.message ?? "invalid value");
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Collects the job's options from `--options` and from single flags, which take precedence. */
export function parseOptions(flags: { options?: string } & Record<string, unknown>): RequestOptions {
  const json = flags.options === undefined ? {} : parseJson(flags.options);
  const parsed = requestOptionsSchema.safeParse(json);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const path = issue?.path.join(".") ?? "";
    throw new CommandError(`--options: ${path} ${issue?.message ?? "not JSON"}`, EXIT.usage);
  }
  const fromFlags = Object.keys(requestOptionsSchema.shape).flatMap((name) => {
    const value = flags[camelCase(name)];
    return value === undefined ? [] : [[name, value] as const];
  });
  return { ...parsed.data, ...Object.fromEntries(fromFlags) };
}

/** Commander stores `--style-weight` as `styleWeight`. */
const camelCase = (name: string) => name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());

export function withServerFlags(command: Command): Command {
  return command
    .option("--server <url>", "URL of the service")
    .option("--key <key>", "API key (prefer NST_API_KEY: other users can see command lines)");
}
