import { type Command, Option } from "commander";
import { optionsUpdateSchema, requestOptionsSchema } from "../src/contract/options.ts";
import { changeJobs, deleteJobs, updateJob } from "./commands/change-jobs.ts";
import { fetchResult, fetchTimelapse, links } from "./commands/fetch.ts";
import { jobs } from "./commands/jobs.ts";
import { watch } from "./commands/watch.ts";
import { addOptionFlags, type OptionName, withServerFlags } from "./option-flags.ts";
import type { Terminal } from "./terminal.ts";

const STATUSES = ["queued", "running", "succeeded", "failed", "canceled"];
const FORMATS = ["png", "jpeg", "webp", "avif"];

/** The options that cannot be changed once a job is submitted. */
const FIXED_OPTIONS = Object.keys(requestOptionsSchema.shape).filter(
  (name) => !(name in optionsUpdateSchema.shape),
) as OptionName[];

/** Defines the commands that concern submitted jobs. */
export function addJobCommands(program: Command, terminal: Terminal): void {
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
      "file for the result, - for stdout (default: stdout if piped, otherwise a file named by the id)",
    )
    .addOption(new Option("--format <format>", "convert to this format").choices(FORMATS))
    .action((id, flags) => fetchResult(terminal, id, flags));

  withServerFlags(program.command("timelapse"))
    .description("write the timelapse of an ended job to a file, an animated WebP")
    .argument("<id>", "id of the job")
    .option("-o, --output-file <path>", "file for the timelapse, - for stdout")
    .action((id, flags) => fetchTimelapse(terminal, id, flags));

  withServerFlags(program.command("links"))
    .description("print URLs from which anyone can fetch a job's pictures for a while")
    .argument("<id>", "id of the job")
    .option("--expires-in <seconds>", "how long they are valid (default: an hour)", Number)
    .option("--json", "print the API's response")
    .action((id, flags) => links(terminal, id, flags));

  addOptionFlags(
    withServerFlags(program.command("update").alias("steer"))
      .description("change options of a queued or running job, from its next step on")
      .argument("<id>", "id of the job")
      .option("--options <json>", "changed options as JSON; single flags take precedence")
      .option("--json", "print the job as a line of JSON"),
    FIXED_OPTIONS,
  ).action((id, flags) => updateJob(terminal, id, flags));

  withServerFlags(program.command("cancel"))
    .description("cancel queued or running jobs")
    .argument("<id...>", "ids of the jobs")
    .option("--json", "print each job as a line of JSON")
    .action((ids, flags) => changeJobs(terminal, ids, flags, "cancel"));

  withServerFlags(program.command("finish"))
    .description("end running jobs after their current step, with what they have painted")
    .argument("<id...>", "ids of the jobs")
    .option("--json", "print each job as a line of JSON")
    .action((ids, flags) => changeJobs(terminal, ids, flags, "finish"));

  withServerFlags(program.command("retry"))
    .description("queue failed or canceled jobs again")
    .argument("<id...>", "ids of the jobs")
    .option("--json", "print each job as a line of JSON")
    .action((ids, flags) => changeJobs(terminal, ids, flags, "retry"));

  withServerFlags(program.command("delete"))
    .description("delete jobs and their pictures")
    .argument("<id...>", "ids of the jobs")
    .action((ids, flags) => deleteJobs(terminal, ids, flags));
}
