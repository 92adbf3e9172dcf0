import { createInterface } from "node:readline";
import type { Terminal } from "./terminal.ts";

/** `detach` leaves the jobs running, as a second Ctrl-C does. */
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

/** Asks whether to cancel the jobs, leave them running or keep waiting. An abort of `signal` leaves them running. */
export async function askSigintChoice(
  { input, err }: Terminal,
  jobs: number,
  signal: AbortSignal,
): Promise<SigintChoice> {
  const lines = createInterface({ input, output: err });
  const [them, it] = jobs === 1 ? ["the job", "it"] : [`the ${jobs} jobs`, "them"];
  const question = `\nCancel ${them} (c), leave ${it} running (l), or keep waiting (Enter)? `;
  try {
    return await new Promise<SigintChoice>((resolve) => {
      // In raw mode, Ctrl-C reaches readline and not the process.
      lines.once("SIGINT", () => {
        err.write("\n");
        resolve("detach");
      });
      signal.addEventListener("abort", () => resolve("detach"), { once: true });
      lines.once("close", () => resolve("wait")); // Ctrl-D
      lines.question(question, (answer) => {
        if (/^c/i.test(answer)) resolve("cancel");
        else resolve(/^l/i.test(answer) ? "detach" : "wait");
      });
    });
  } finally {
    lines.close();
  }
}
