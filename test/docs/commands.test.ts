import { execFile } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { ROOT } from "../../src/root.ts";
import { TestDeployment } from "../support/harness/deployment.ts";
import { jpeg } from "../support/pictures.ts";

const run = promisify(execFile);

/** The pictures that the documents name. */
const PICTURES = [
  ...["me.jpg", "you.jpg", "painting.jpg", "mosaic.jpg", "starry-night.jpg", "waves.jpg", "stone.jpg"],
  ...["portraits/anna.jpg", "portraits/ben.jpg", "styles/waves.jpg"],
];

let service: TestDeployment;
let server: string;
/** Somebody else's site: has pictures, and takes webhooks. */
let site: Server;
let folder: string;
let key: string;

beforeAll(async () => {
  service = await TestDeployment.create();
  // The pages' reader has a service with anonymous access, as `npm start` runs it.
  const api = service.startApi({ ANONYMOUS_ACCESS: "loopback", URL_ALLOWED_NETWORKS: "127.0.0.0/8" });
  [{ address: server }] = await Promise.all([api, service.startWorker()]);
  const environment = { ...process.env, ...service.environment };
  const keys = [join(ROOT, "dist/local/keys.js"), "create", "--owner", "acme"];
  key = (await run(process.execPath, keys, { env: environment })).stdout.trim();
  folder = await mkdtemp(join(tmpdir(), "nst-docs-"));
  const picture = await jpeg({ width: 96, height: 63 });
  for (const name of ["portraits", "styles"]) await mkdir(join(folder, name));
  for (const name of PICTURES) await writeFile(join(folder, name), picture);
  site = createServer(async (request, response) => {
    await text(request);
    response
      .writeHead(request.method === "GET" ? 200 : 204)
      .end(request.method === "GET" ? picture : undefined);
  });
  site.listen(0, "127.0.0.1");
  await once(site, "listening");
});
afterAll(async () => {
  await service?.close();
  site?.close();
  if (folder) await rm(folder, { recursive: true, force: true });
});

/** The code blocks of a page in this language. */
async function blocksOf(page: string, language: string): Promise<string[]> {
  const markdown = await readFile(join(ROOT, page), "utf8");
  return [...markdown.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, "gms"))].map(
    ([, code]) => code ?? "",
  );
}

const isPng = async (name: string) =>
  (await readFile(join(folder, name))).subarray(1, 4).toString() === "PNG";

interface Ids {
  ID: string;
  BATCH: string;
}

/** The same commands or program with little to compute. */
const smaller = (code: string) =>
  code
    .replaceAll(/"size": \d+/g, '"size": 48')
    // Still running when the next commands change and cancel it.
    .replaceAll('"steps": 100', '"steps": 1000')
    .replaceAll('"preset": "draft"', '"preset": "draft", "size": 32, "steps": 12')
    .replaceAll('preset: "draft"', 'preset: "draft", size: 32, steps: 12')
    .replaceAll(/nst (paint|batch) /g, "nst $1 --size 32 --steps 12 ")
    .replaceAll("--size 1024 --steps 100", "--size 48 --steps 12");

/** Runs commands of a page as a reader does, with the ids that earlier responses gave. Throws if one fails. */
async function runShell(commands: string, { ID, BATCH }: Ids): Promise<string> {
  const { port } = site.address() as AddressInfo;
  const prelude = `set -euo pipefail
curl() { command curl --silent --show-error --fail-with-body --max-time 60 "$@"; }
nst() { "${process.execPath}" "${ROOT}/scripts/nst.mjs" "$@"; }
npx() { "$@"; }
NST=${server} ID=${ID} BATCH=${BATCH} KEY=${key}
`;
  const script = smaller(commands)
    .replaceAll("http://localhost:3000", server)
    .replaceAll("https://example.com", `http://127.0.0.1:${port}`)
    .replaceAll(/(?<!\$)\bID\b/g, ID);
  const environment = { ...process.env, ...service.environment, NST_SERVER: server, NST_API_KEY: "" };
  const { stdout } = await run("bash", ["-c", prelude + script], { cwd: folder, env: environment });
  return stdout;
}

/** The ids to go on with: those of the last job and of the last batch that a response shows. */
function nextIds(output: string, before: Ids): Ids {
  const last = (pattern: RegExp) => [...output.matchAll(pattern)].at(-1)?.[1];
  return {
    ID: last(/^\{"id":"([0-9a-f-]{36})","status":"[a-z]+","options"/gm) ?? before.ID,
    BATCH: last(/^\{"id":"([0-9a-f-]{36})","status":"[a-z]+","counts"/gm) ?? before.BATCH,
  };
}

async function untilBatchEnded(id: string): Promise<void> {
  const { jobs } = (await (await fetch(`${server}/v1/batches/${id}`)).json()) as {
    jobs: { job: { id: string } }[];
  };
  await Promise.all(jobs.map(({ job }) => service.untilEnded(job.id)));
}

const untilPainted = (id: string) => service.until(id, ({ progress }) => (progress?.step ?? 0) > 0);

describe("The API guide", () => {
  it("has only commands that work, in the order of the page", async () => {
    const blocks = await blocksOf("docs/api.md", "sh");
    expect(blocks.length).toBeGreaterThan(15);
    let ids: Ids = { ID: "none", BATCH: "none" };
    for (const commands of blocks) {
      if (commands.includes("$BATCH/result")) await untilBatchEnded(ids.BATCH);
      if (/\$ID\/(result|continue)/.test(commands)) await service.untilEnded(ids.ID);
      if (commands.includes("$ID/finish")) await untilPainted(ids.ID);
      if (commands === "curl -F content=@me.jpg $NST/v1/jobs\n") {
        await expect(runShell(commands, ids)).rejects.toMatchObject({
          stdout: expect.stringContaining('"code":"missing_style"'),
        });
        continue;
      }
      ids = nextIds(await runShell(commands, ids), ids);
    }
    const zip = await readFile(join(folder, "pictures.zip"));
    expect(zip.subarray(0, 2).toString()).toBe("PK");
    expect((await readFile(join(folder, "losses.svg"), "utf8")).slice(0, 4)).toBe("<svg");
    expect((await readFile(join(folder, "picture.webp"))).subarray(8, 12).toString()).toBe("WEBP");
  });
});

describe.each(["README.md", "docs/getting-started.md"])("%s", (page) => {
  it("has only commands that work while the service runs", async () => {
    const blocks = await blocksOf(page, "sh");
    expect(blocks).not.toEqual([]);
    let ids: Ids = { ID: "none", BATCH: "none" };
    for (const commands of blocks) {
      if (commands.includes("/result")) await service.untilEnded(ids.ID);
      ids = nextIds(await runShell(commands, ids), ids);
    }
  });
});

describe("docs/command-line.md", () => {
  it("has only commands that work, in the order of the page", async () => {
    const [block = ""] = await blocksOf("docs/command-line.md", "sh");
    for (const command of block.trim().split("\n")) {
      if (command.startsWith("nst finish")) {
        const running = "nst paint me.jpg starry-night.jpg --steps 1000 --detach";
        await untilPainted((await runShell(running, { ID: "none", BATCH: "none" })).trim());
      }
      const { jobs } = (await (await fetch(`${server}/v1/jobs?limit=1`)).json()) as {
        jobs: { id: string }[];
      };
      await runShell(command, { ID: jobs[0]?.id ?? "none", BATCH: "none" });
    }
    const painted = ["me-by-night.png", "picture.png", "larger.png", "paintings/anna-in-waves.png"];
    for (const name of painted) expect([name, await isPng(name)]).toEqual([name, true]);
  }, 300_000);
});

describe("Programs in the documents", () => {
  it("paint a picture from Node", async () => {
    const [code = ""] = await blocksOf("README.md", "js");
    await rm(join(folder, "me-painted.png"), { force: true });
    // Inside of this package, so that `nst/client` resolves.
    const program = join(ROOT, "build/examples/readme.mjs");
    await mkdir(join(ROOT, "build/examples"), { recursive: true });
    await writeFile(program, smaller(code).replaceAll("http://localhost:3000", server));
    await run(process.execPath, [program], { cwd: folder });
    expect(await isPng("me-painted.png")).toBe(true);
  });

  it("paint a picture from Python", async () => {
    const [code = ""] = await blocksOf("docs/getting-started.md", "python");
    await rm(join(folder, "me-painted.png"), { force: true });
    const environment = { ...process.env, NST_SERVER: server, NST_API_KEY: key };
    await run("python3", ["-c", smaller(code)], { cwd: folder, env: environment });
    expect(await isPng("me-painted.png")).toBe(true);
  });
});
