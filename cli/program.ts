import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Command, Option } from "commander";
import { ROOT } from "../src/root.ts";
import { batch } from "./commands/batch.ts";
import { continueJob } from "./commands/continue.ts";
import { doctor } from "./commands/doctor.ts";
import { keys } from "./commands/keys.ts";
import { paint } from "./commands/paint.ts";
import { DEFAULT_SERVER } from "./connection.ts";
import { EXIT } from "./exit-codes.ts";
import { addJobCommands } from "./job-commands.ts";
import { addOptionFlags, withServerFlags } from "./option-flags.ts";
import type { Terminal } from "./terminal.ts";

const MORE_HELP = `
Environment:
  NST_SERVER    default of --server (otherwise ${DEFAULT_SERVER})
  NST_API_KEY   default of --key
  NO_COLOR      disables colours

Exit codes:
  ${EXIT.success}  success                   ${EXIT.jobFailed}  a job failed
  ${EXIT.failed}  any other error           ${EXIT.jobCanceled}  a job was canceled
  ${EXIT.usage}  invalid command           ${EXIT.unreachable}  the service is unreachable
  ${EXIT.rejected}  rejected by the service   ${EXIT.interrupted}  interrupted; the jobs keep running`;

const PAINT_EXAMPLES = `
Examples:
  nst paint me.jpg starry-night.jpg -o me-by-night.png
  nst paint me.jpg starry-night.jpg --preset fine --style-weight 6
  nst paint me.jpg waves.jpg stone.jpg --style-weights '[0.7, 0.3]'     a blend of two styles
  nst paint portraits/ styles/ -o paintings/                            every portrait in every style
  nst paint me.jpg starry-night.jpg --json | jq -r .job.id`;

/** Defines the commands of `nst` and their flags. */
export function createProgram(terminal: Terminal): Command {
  const { out, err } = terminal;
  const program = new Command("nst")
    .description("Neural style transfer: paints a picture in the style of others.")
    .configureOutput({ writeOut: (text) => out.write(text), writeErr: (text) => err.write(text) })
    .version(version())
    .addHelpText("after", MORE_HELP)
    .enablePositionalOptions()
    .showHelpAfterError("(run nst --help for usage)")
    .exitOverride();

  addOptionFlags(
    withServerFlags(program.command("paint"))
      .description("paint a content picture in one or more styles and write the result to a file")
      .argument(
        "<content>",
        "a picture, or a folder of pictures; - for stdin, or a URL that the service fetches",
      )
      .argument("<style...>", "pictures to blend into one style, or folders in which each picture is a style")
      .option("-o, --output-file <path>", "file for the result, - for stdout, or folder for several results")
      .option("--style-mask <picture...>", "for each style, white where it is painted")
      .option("--keep-mask <picture>", "white where the content is kept unchanged")
      .option("--init-picture <picture>", "the picture to start from")
      .option("--options <json>", "job options as JSON; single flags take precedence")
      .option("--detach", "submit, print the id of each job to stdout and exit")
      .option("--json", "print a line of JSON for each job: { job, file }")
      .option("--embedded", "start a service for this command, even if one is already running")
      .addOption(
        new Option("--service-log <file>", "log file of a service started for this command").hideHelp(),
      )
      .addHelpText("after", PAINT_EXAMPLES),
  ).action((content, styles, flags) => paint(terminal, content, styles, flags));

  addOptionFlags(
    withServerFlags(program.command("continue"))
      .description("start a new job from a job's result: more steps, other weights, a larger size")
      .argument("<id>", "id of a succeeded job")
      .option("-o, --output-file <path>", "file for the new result")
      .option("--options <json>", "changed options as JSON; single flags take precedence")
      .option("--detach", "submit, print the new job's id and exit")
      .option("--json", "print a line of JSON: { job, file }"),
    ["preset", "init", "init_blend"],
  ).action((id, flags) => continueJob(terminal, id, flags));

  addOptionFlags(
    withServerFlags(program.command("batch"))
      .description("paint every content in every style as one batch and write a zip of the results")
      .argument("<content...>", "pictures, or folders of pictures")
      .requiredOption("-s, --style <picture...>", "pictures or folders: each picture is a style")
      .option(
        "-o, --output-file <path>",
        "file for the zip (default: stdout if piped, otherwise named by the id)",
      )
      .option("--options <json>", "job options as JSON; single flags take precedence")
      .option("--detach", "submit, print the batch's id and exit")
      .option("--json", "print the batch as a line of JSON"),
  ).action((contents, flags) => batch(terminal, contents, flags));

  addJobCommands(program, terminal);

  program
    .command("keys")
    .description("create, list, rotate and revoke API keys of the service on this machine")
    .argument("[args...]", "create --owner NAME | list | rotate ID | revoke ID")
    .passThroughOptions()
    .allowUnknownOption()
    .helpOption(false) // `keys` has its own
    .action(async (args) => {
      process.exitCode = await keys(args);
    });

  withServerFlags(program.command("doctor"))
    .description("check the installation and the service, and measure the time of a step")
    .option("--json", "print all checks as JSON")
    .action((flags) => doctor(terminal, flags));

  return program;
}

function version(): string {
  const { version } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as { version: string };
  return version;
}
