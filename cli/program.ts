import { Command, Option } from "commander";
import { cancel } from "./commands/cancel.ts";
import { continueJob } from "./commands/continue.ts";
import { doctor } from "./commands/doctor.ts";
import { fetchResult } from "./commands/fetch.ts";
import { jobs } from "./commands/jobs.ts";
import { keys } from "./commands/keys.ts";
import { paint } from "./commands/paint.ts";
import { watch } from "./commands/watch.ts";
import { DEFAULT_SERVER } from "./connection.ts";
import { EXIT } from "./exit-codes.ts";
import { addOptionFlags } from "./option-flags.ts";
import type { Terminal } from "./terminal.ts";

const STATUSES = ["queued", "running", "succeeded", "failed", "canceled"];
const FORMATS = ["png", "jpeg", "webp", "avif"];

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
    .addHelpText("after", MORE_HELP)
    .enablePositionalOptions()
    .showHelpAfterError("(run nst --help for usage)")
    .exitOverride();

  addOptionFlags(
    withServerFlags(program.command("paint"))
      .description("paint a content picture in one or more styles and write the result to a file")
      .argument("<content>", "a picture, or a folder of pictures")
      .argument("<style...>", "pictures to blend into one style, or folders in which each picture is a style")
      .option("-o, --output-file <path>", "file for the result, or folder for several results")
      .option("--options <json>", "job options as JSON; single flags take precedence")
      .option("--detach", "submit, print the job's id and exit")
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

  withServerFlags(program.command("jobs"))
    .description("list jobs, newest first")
    .addOption(new Option("--status <status>", "show only jobs with this status").choices(STATUSES))
    .option("--limit <n>", "maximum number of jobs", Number, 20)
    .option("--json", "print the API's response")
    .action((flags) => jobs(terminal, flags));

  withServerFlags(program.command("watch"))
    .description("follow a job until it ends")
    .argument("<id>", "id of the job")
    .option("--json", "print the job as a line of JSON after each change")
    .action((id, flags) => watch(terminal, id, flags));

  withServerFlags(program.command("fetch"))
    .description("write the result of a succeeded job to a file")
    .argument("<id>", "id of the job")
    .option(
      "-o, --output-file <path>",
      "file for the result (default: stdout if piped, otherwise a file named by the id)",
    )
    .addOption(new Option("--format <format>", "convert to this format").choices(FORMATS))
    .action((id, flags) => fetchResult(terminal, id, flags));

  withServerFlags(program.command("cancel"))
    .description("cancel queued or running jobs")
    .argument("<id...>", "ids of the jobs")
    .option("--json", "print each job as a line of JSON")
    .action((ids, flags) => cancel(terminal, ids, flags));

  program
    .command("keys")
    .description("create, list, rotate and revoke API keys of the service on this machine")
    .argument("[args...]", "create --owner NAME | list | rotate ID | revoke ID")
    .passThroughOptions()
    .allowUnknownOption()
    .helpOption(false)
    .action(async (args) => {
      process.exitCode = await keys(args);
    });

  withServerFlags(program.command("doctor"))
    .description("check the installation and the service, and measure the time of a step")
    .option("--json", "print all checks as JSON")
    .action((flags) => doctor(terminal, flags));

  return program;
}

function withServerFlags(command: Command): Command {
  return command
    .option("--server <url>", "URL of the service")
    .option("--key <key>", "API key (prefer NST_API_KEY: other users can see command lines)");
}
