import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { ROOT } from "../../src/root.ts";

/** `nst keys …`: the program that manages the keys of this machine's service, with its own words and exit code. */
export async function keys(words: string[]): Promise<number> {
  const program = spawn(process.execPath, [join(ROOT, "dist/local/keys.js"), ...words], { stdio: "inherit" });
  const [code] = await once(program, "exit");
  return code ?? 1;
}
