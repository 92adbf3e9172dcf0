import { execFile } from "node:child_process";
import { cp, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parse } from "yaml";
import { ROOT } from "../../src/root.ts";

export interface CheckContext {
  /** From scripts/setup/client-generators.mjs. */
  tools: Record<"jar" | "python" | "pythonPackages" | "oapiCodegen" | "redocly" | "spectral", string>;
  /** openapi.yaml. */
  document: string;
  /** Does not exist yet. */
  folder: string;
  /** URL, API key, content, style, and the start of the paths of the results: `<output>-json.png`. */
  programArguments: string[];
}

const PROGRAMS = join(ROOT, "test/generated-clients");
const TSC = join(ROOT, "node_modules/.bin/tsc");
/** The result of a generator is not ours to lint; its types must hold. */
const TYPESCRIPT_CONFIG = {
  compilerOptions: {
    ...{ target: "es2022", module: "esnext", moduleResolution: "bundler", lib: ["es2022", "dom"] },
    ...{ strict: true, skipLibCheck: true, outDir: "out", rootDir: ".", types: ["node"] },
    typeRoots: [join(ROOT, "node_modules/@types")],
  },
  include: ["client", "submit.ts"],
};

/** Each generates, compiles and runs, or lints. Resolves with the kinds of body that its program submitted. Throws if it fails. */
export const CHECKS: Record<string, (context: CheckContext) => Promise<string[]>> = {
  async redocly({ tools, document }) {
    await run(tools.redocly, ["lint", document]);
    return [];
  },

  async spectral({ tools, document, folder }) {
    await mkdir(folder);
    const ruleset = join(folder, "ruleset.yaml");
    await writeFile(ruleset, 'extends: ["spectral:oas"]\n');
    await run(tools.spectral, ["lint", document, "--ruleset", ruleset]);
    return [];
  },

  async typescript({ tools, document, folder, programArguments }) {
    const client = join(folder, "client");
    await mkdir(folder);
    // openapi-generator 7.25 imports nothing for the bodies of `webhooks`, which are requests to the client's own server.
    const { webhooks: _, ...operations } = parse(await readFile(document, "utf8")) as { webhooks: object };
    const input = join(folder, "openapi.json");
    await writeFile(input, JSON.stringify(operations));
    // Endings as Node wants them in imports; and the types of forms, which are imported but else not written.
    const options = [
      "--additional-properties=importFileExtension=.js",
      "--global-property=skipFormModel=false",
    ];
    await run("java", [
      ...["-jar", tools.jar, "generate", "-g", "typescript-fetch"],
      ...["-i", input, "-o", client, ...options],
    ]);
    await cp(join(PROGRAMS, "typescript/submit.ts"), join(folder, "submit.ts"));
    await writeFile(join(folder, "package.json"), '{"type": "module"}');
    await writeFile(join(folder, "tsconfig.json"), JSON.stringify(TYPESCRIPT_CONFIG));
    await run(TSC, ["--project", folder]);
    await run(process.execPath, [join(folder, "out/submit.js"), ...programArguments]);
    return ["json"];
  },

  async python({ tools, document, folder, programArguments }) {
    await mkdir(folder);
    const env = { PYTHONPATH: `${tools.pythonPackages}:${folder}`, PYTHONDONTWRITEBYTECODE: "1" };
    const client = ["--meta", "none", "--output-path", join(folder, "client")];
    await run(tools.python, ["-m", "openapi_python_client", "generate", "--path", document, ...client], {
      env,
    });
    await run(tools.python, ["-m", "compileall", "-q", join(folder, "client")], { env });
    await run(tools.python, [join(PROGRAMS, "python/submit.py"), ...programArguments], { env });
    return ["json", "multipart"];
  },

  async go({ tools, document, folder, programArguments }) {
    const client = join(folder, "client");
    await mkdir(client, { recursive: true });
    await run(tools.oapiCodegen, [
      "-package",
      "client",
      "-generate",
      "types,client,skip-prune",
      "-o",
      join(client, "client.go"),
      document,
    ]);
    await cp(join(PROGRAMS, "go/main.go"), join(folder, "main.go"));
    await writeFile(join(folder, "go.mod"), "module check\n\ngo 1.24\n");
    await run("go", ["mod", "tidy"], { cwd: folder });
    await run("go", ["vet", "./..."], { cwd: folder });
    await run("go", ["build", "-o", "submit", "."], { cwd: folder });
    await run(join(folder, "submit"), programArguments);
    return ["json", "multipart"];
  },
};

/** Runs a command; throws with the end of its output if it fails. */
function run(
  command: string,
  args: string[],
  { cwd, env }: { cwd?: string; env?: Record<string, string> } = {},
): Promise<void> {
  const options = { cwd, env: { ...process.env, ...env }, maxBuffer: 2 ** 26 };
  return new Promise((resolve, reject) => {
    execFile(command, args, options, (error, stdout, stderr) => {
      if (!error) return resolve();
      reject(
        new Error(`${command} ${args.slice(0, 3).join(" ")} …\n${`${stdout}\n${stderr}`.slice(-3_000)}`),
      );
    });
  });
}
