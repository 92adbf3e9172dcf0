import { type Command, InvalidArgumentError, Option } from "commander";
import { type RequestOptions, requestOptionsSchema } from "../src/contract/options.ts";

/** A flag for each option of the contract, `--style-weight` for `style_weight`, with the contract's words. */
export function addOptionFlags(command: Command): Command {
  for (const [name, schema] of Object.entries(requestOptionsSchema.shape)) {
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

/** The options that were given as flags, over those that were given as JSON. */
export function requestedOptions(flags: Record<string, unknown>, json?: string): RequestOptions {
  const whole = json === undefined ? {} : asJson(json);
  const parsed = requestOptionsSchema.safeParse(whole);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new InvalidArgumentError(
      `--options: ${issue?.path.join(".") ?? ""} ${issue?.message ?? "not JSON"}`,
    );
  }
  const given = Object.keys(requestOptionsSchema.shape).flatMap((name) => {
    const value = flags[camelCase(name)];
    return value === undefined ? [] : [[name, value] as const];
  });
  return { ...parsed.data, ...Object.fromEntries(given) };
}

/** As commander names the flags. */
const camelCase = (name: string) => name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
