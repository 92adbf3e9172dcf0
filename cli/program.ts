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
  NST_SERVER    the service's address, where --server names none (${DEFAULT_SERVER})
  NST_API_KEY   the key, where --key names none
  NO_COLOR      no colours

Exit codes:
  ${EXIT.done}  done                      ${EXIT.jobFailed}  a job failed
  ${EXIT.failed}  something went wrong      ${EXIT.jobCanceled}  a job was canceled
  ${EXIT.usage}  the command is not valid  ${EXIT.unreachable}  the service cannot be reached
  ${EXIT.refused}  the service refused       ${EXIT.interrupted}  interrupted; jobs were left running`;

const PAINT_EXAMPLES = `
Examples:
  nst paint me.jpg starry-night.jpg -o me-by-night.png
  nst paint me.jpg starry-night.jpg --preset fine --style-weight 20
  nst paint me.jpg waves.jpg stone.jpg --style-weights '[0.7, 0.3]'     two styles in one painting
  nst paint portraits/ styles/ -o paintings/                            each portrait in each style
  nst paint me.jpg starry-night.jpg --json | jq -r .job.id`;

/** The command line: `nst paint`, `nst jobs` and so on. */
export function createProgram(terminal: Terminal): Command {
  const { out, err } = terminal;
  const program = new Command("nst")
    .description("Paints pictures in the style of others: neural style transfer.")
    .configureOutput({ writeOut: (text) => out.write(text), writeErr: (text) => err.write(text) })
    .addHelpText("after", MORE_HELP)
    .enablePositionalOptions()
    .showHelpAfterError("(nst --help says what there is)")
    .exitOverride();

  addOptionFlags(
    server(program.command("paint"))
      .description("paint a content in one or more styles, and write the picture")
      .argument("<content>", "a picture, or a folder of pictures")
      .argument("<style...>", "one or more pictures: together one style; of a folder, each is one of its own")
      .option("-o, --output-file <path>", "where the picture goes; a folder where there are several")
      .option("--options <json>", "options as JSON; flags are stronger")
      .option("--detach", "submit and do not wait; prints the job's id")
      .option("--json", "a JSON line for each painting: { job, file }")
      .option("--embedded", "start a service for this command even where one runs here")
      .addOption(
        new Option("--service-log <file>", "the log of a service started for this command").hideHelp(),
      )
      .addHelpText("after", PAINT_EXAMPLES),
  ).action((content, styles, flags) => paint(terminal, content, styles, flags));

  addOptionFlags(
    server(program.command("continue"))
      .description("go on from what a job painted: further steps, other weights, a larger size")
      .argument("<id>", "a job that has succeeded")
      .option("-o, --output-file <path>", "where the new picture goes")
      .option("--options <json>", "options as JSON; flags are stronger; what is left out is as it was")
      .option("--detach", "submit and do not wait; prints the new job's id")
      .option("--json", "a JSON line: { job, file }"),
    ["preset", "init", "init_blend"],
  ).action((id, flags) => continueJob(terminal, id, flags));

  server(program.command("jobs"))
    .description("list jobs, newest first")
    .addOption(new Option("--status <status>", "only those").choices(STATUSES))
    .option("--limit <n>", "how many", Number, 20)
    .option("--json", "as the API gives it")
    .action((flags) => jobs(terminal, flags));

  server(program.command("watch"))
    .description("follow a job until it ends")
    .argument("<id>")
    .option("--json", "a JSON line for each change")
    .action((id, flags) => watch(terminal, id, flags));

  server(program.command("fetch"))
    .description("write the picture of a job that has succeeded")
    .argument("<id>")
    .option("-o, --output-file <path>", "where it goes; a pipe otherwise, or a file named after the job")
    .addOption(new Option("--format <format>", "in another file format").choices(FORMATS))
    .action((id, flags) => fetchResult(terminal, id, flags));

  server(program.command("cancel"))
    .description("stop jobs, waiting or running")
    .argument("<id...>")
    .option("--json", "a JSON line for each job")
    .action((ids, flags) => cancel(terminal, ids, flags));

  program
    .command("keys")
    .description("create, list, rotate and revoke the API keys of the service on this machine")
    .argument("[words...]", "create --owner NAME | list | rotate ID | revoke ID")
    .passThroughOptions()
    .allowUnknownOption()
    .helpOption(false)
    .action(async (words) => {
      process.exitCode = await keys(words);
    });

  server(program.command("doctor"))
    .description("say what is installed, what is missing, which device paints, and how fast a step is")
    .option("--json", "all findings as JSON")
    .action((flags) => doctor(terminal, flags));

  return program;
}

function server(command: Command): Command {
  return command
    .option("--server <url>", "the service's address")
    .option("--key <key>", "an API key (better in NST_API_KEY: others may see a command's words)");
}
