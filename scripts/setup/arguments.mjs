import { SetupFailure } from "./failure.mjs";

/**
 * @param {string[]} args
 * @returns {"cpu" | "gpu" | undefined} undefined: as the machine has an NVIDIA driver or not
 */
export function flavourFrom(args) {
  const unknown = args.find((arg) => arg !== "--cpu" && arg !== "--gpu");
  if (unknown !== undefined || args.length > 1) {
    throw new SetupFailure(`Set-up takes --cpu or --gpu, not ${args.join(" ")}.`, "npm run setup -- --cpu");
  }
  if (args[0] === undefined) return undefined;
  return args[0] === "--gpu" ? "gpu" : "cpu";
}
