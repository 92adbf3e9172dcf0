import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { describe, expect, it } from "@jest/globals";
import { ROOT } from "../../src/root.ts";

describe("npm run gpu:check", () => {
  it('says "no GPU" and exits with a code of its own if there is none', async () => {
    const { hasNvidiaDriver } = await import(join(ROOT, "scripts/setup/tensorflow.mjs"));
    if (hasNvidiaDriver()) return; // the check itself takes minutes there
    const { status, stdout } = spawnSync(process.execPath, [join(ROOT, "scripts/gpu-check.mjs")], {
      encoding: "utf8",
    });
    expect(stdout).toBe("no GPU\n");
    expect(status).toBe(77);
  });
});
