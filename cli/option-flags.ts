import { type Command, InvalidArgumentError, Option } from "commander";
import { type RequestOptions, requestOptionsSchema } from "../src/contract/options.ts";
import { CommandError, EXIT } from "./exit-codes.ts";

type OptionName = keyof typeof requestOptionsSchema.shape;

/** A flag for each option of the contract, `--style-weight` for `style_weight`, with the contract's words. */
export function addOptionFlags(command: Command, without: readonly OptionName[] = []): Command {
  for (const [name, schema] of Object.entries(requestOptionsSchema.shape)) {
    if ((without as readonly string[]).includes(name)) continue;
    const flag = name.replaceAll("_", "-");
    const inner = schema.unwrap();
    const description = inner.description ?? "An object, as JSON.";
    const option = new Option(`--${flag} <value>`, description).helpGroup("Options of the painting:");
    command.addOption(option.argParser((text) => parseOption(name, text)));
  }
  return command;
}

/** The value that a flag's text stands for: JSON where it is JSON the option takes, else the text itself. */
function parseOption(name: string, text: string): unknown {
  const schema = Object.entries(requestOptionsSchema.shape).find(([key]) => key === name)?.[1];
  const candidates = [asJson(text), text].filter((candidate) => candidate !== undefined);
  const fitting = candidates.find((candidate) => schema?.safeParse(candidate).success);
  if (fitting !== undefined) return fitting;
  const issue = schema?.safeParse(candidates[0]).error?.issues[0];
  throw new InvalidArgumentError(issue?.message ?? "This option does not take that value.");
}

function asJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The options that were given as flags, over those that were given as JSON with `--options`. */
export function readOptions(flags: { options?: string } & Record<string, unknown>): RequestOptions {
  const whole = flags.options === undefined ? {} : asJson(flags.options);
  const parsed = requestOptionsSchema.safeParse(whole);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const where = issue?.path.join(".") ?? "";
    throw new CommandError(`--options: ${where} ${issue?.message ?? "not JSON"}`, EXIT.usage);
  }
  const given = Object.keys(requestOptionsSchema.shape).flatMap((name) => {
    const value = flags[camelCase(name)];
    return value === undefined ? [] : [[name, value] as const];
  });
  return { ...parsed.data, ...Object.fromEntries(given) };
}

/** As commander names the flags. */
const camelCase = (name: string) => name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
