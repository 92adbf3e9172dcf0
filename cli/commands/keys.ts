import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { ROOT } from "../../src/root.ts";

/** `nst keys …`: runs local/keys.ts, which manages the API keys of this machine's service; returns its exit code. */
export async function keys(args: string[]): Promise<number> {
  const child = spawn(process.execPath, [join(ROOT, "dist/local/keys.js"), ...args], { stdio: "inherit" });
  const [code] = await once(child, "exit");
  return code ?? 1;
}
