import { createInterface } from "node:readline/promises";
import type { Terminal } from "./terminal.ts";

export type Choice = "cancel" | "leave" | "go on";

/**
 * Calls `decide` at each Ctrl-C (SIGINT) until it is stopped. A second one while the person is still asked leaves.
 */
export function onInterruption(decide: () => Promise<void>, leave: () => void): () => void {
  let asking = false;
  const interrupted = () => {
    if (asking) return leave();
    asking = true;
    void decide().finally(() => {
      asking = false;
    });
  };
  process.on("SIGINT", interrupted);
  return () => process.off("SIGINT", interrupted);
}

/** Asks what is to become of the jobs. */
export async function askWhatNow({ input, err }: Terminal, jobs: number): Promise<Choice> {
  const lines = createInterface({ input, output: err });
  try {
    const them = jobs === 1 ? "the job" : `the ${jobs} jobs`;
    const answer = await lines.question(
      `\nCancel ${them} (c), leave ${jobs === 1 ? "it" : "them"} running (l), or go on watching (Enter)? `,
    );
    if (/^c/i.test(answer)) return "cancel";
    return /^l/i.test(answer) ? "leave" : "go on";
  } finally {
    lines.close();
  }
}
