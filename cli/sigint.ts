import { createInterface } from "node:readline/promises";
import type { Terminal } from "./terminal.ts";

export type SigintChoice = "cancel" | "detach" | "wait";

/**
 * Calls `onFirst` at Ctrl-C (SIGINT), and `onSecond` if Ctrl-C is pressed again before `onFirst` is done.
 * Returns a function that removes the handler.
 */
export function handleSigint(onFirst: () => Promise<void>, onSecond: () => void): () => void {
  let handling = false;
  const listener = () => {
    if (handling) return onSecond();
    handling = true;
    void onFirst().finally(() => {
      handling = false;
    });
  };
  process.on("SIGINT", listener);
  return () => process.off("SIGINT", listener);
}

/** Asks whether to cancel the jobs, leave them running or keep waiting. */
export async function askSigintChoice({ input, err }: Terminal, jobs: number): Promise<SigintChoice> {
  const lines = createInterface({ input, output: err });
  const [them, it] = jobs === 1 ? ["the job", "it"] : [`the ${jobs} jobs`, "them"];
  try {
    const answer = await lines.question(
      `\nCancel ${them} (c), leave ${it} running (l), or keep waiting (Enter)? `,
    );
    if (/^c/i.test(answer)) return "cancel";
    return /^l/i.test(answer) ? "detach" : "wait";
  } finally {
    lines.close();
  }
}
