// A process that works on strangers' pictures: it can be killed, its memory is bounded, and it knows no secret.
import { readFile, writeFile } from "node:fs/promises";
import { convertPicture } from "../encode.ts";
import { inspectPicture } from "../inspect-picture.ts";
import { isOutOfMemory } from "../out-of-memory.ts";
import { PictureProblem } from "../picture-problem.ts";
import { joinFrames } from "../timelapse.ts";
import type { TaskMessage, TaskReply, Tasks, TaskType } from "./messages.ts";

async function run(task: TaskMessage): Promise<Tasks[TaskType]["output"]> {
  switch (task.type) {
    case "inspect":
      return await inspectPicture(task.input);
    case "convert": {
      const { source, target, encoding } = task.input;
      await writeFile(target, await convertPicture(source, encoding));
      return null;
    }
    case "join": {
      const frames = await Promise.all(task.input.frames.map((path) => readFile(path)));
      await writeFile(task.input.target, await joinFrames(frames));
      return null;
    }
  }
}

function toReply(error: unknown): TaskReply {
  if (error instanceof PictureProblem) {
    const { code, expected, received } = error;
    return { type: "refused", code, expected, received };
  }
  if (isOutOfMemory(error)) return { type: "memory" };
  return { type: "failed", message: error instanceof Error ? error.message : String(error) };
}

process.on("message", (task: TaskMessage) => {
  run(task).then(
    (output) => process.send?.({ type: "done", output } satisfies TaskReply),
    (error: unknown) => process.send?.(toReply(error)),
  );
});
process.on("disconnect", () => process.exit(0));
