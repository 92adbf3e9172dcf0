import { spawn } from "node:child_process";

/**
 * Runs a command to its end and keeps what it printed.
 * @param {string} command
 * @param {string[]} args
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv, show?: boolean }} [options] show: print its output as it comes
 * @returns {Promise<{ code: number | "missing", output: string }>} "missing": there is no such command
 */
export function runCommand(command, args, options = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: options.cwd,
      env: options.env ?? process.env,
      stdio: ["ignore", "pipe", "pipe"],
    });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text) => {
        output += text;
        if (options.show) process.stderr.write(text);
      });
    }
    child.on("error", (error) => {
      if ("code" in error && (error.code === "ENOENT" || error.code === "EACCES")) {
        resolve({ code: "missing", output });
      } else {
        reject(error);
      }
    });
    child.on("close", (code) => resolve({ code: code ?? 1, output }));
  });
}
