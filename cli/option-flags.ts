import { type Command, InvalidArgumentError, Option } from "commander";
import { type RequestOptions, requestOptionsSchema } from "../src/contract/options.ts";
import { CommandError } from "./errors.ts";
import { EXIT } from "./exit-codes.ts";

type OptionName = keyof typeof requestOptionsSchema.shape;

/** Adds a flag for each option of a job (`--style-weight` for `style_weight`), with its description from the contract. */
export function addOptionFlags(command: Command, excluded: readonly OptionName[] = []): Command {
  for (const [name, schema] of Object.entries(requestOptionsSchema.shape)) {
    if ((excluded as readonly string[]).includes(name)) continue;
    const flag = name.replaceAll("_", "-");
    const description = schema.unwrap().description ?? "A JSON object.";
    const option = new Option(`--${flag} <value>`, description).helpGroup("Job options:");
    command.addOption(option.argParser((text) => parseOption(name, text)));
  }
  return command;
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
