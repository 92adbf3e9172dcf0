import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { TestService } from "../support/harness/service.ts";

const MAX_SCRIPT_BYTES = 100_000;
let service: TestService;
let page: string;
beforeAll(async () => {
  service = await TestService.start();
  page = await (await service.fetch("/")).text();
});
afterAll(() => service.stop());

describe("The studio's files", () => {
  it("have a content security policy for this service only, and no inline script or style", async () => {
    const response = await service.fetch("/");
    expect(response.headers.get("content-type")).toBe("text/html; charset=utf-8");
    expect(response.headers.get("cache-control")).toBe("no-cache");
    const policy = response.headers.get("content-security-policy") ?? "";
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("script-src 'self';");
    expect(policy).not.toContain("unsafe");
    expect(page).not.toMatch(/<script>|<style|style=|onclick/);
  });

  it("have immutable names, and the script has less than 100 KB", async () => {
    const names = [...page.matchAll(/"(\/studio\/[^"]+)"/g)].map(([, path]) => path ?? "");
    expect(names.length).toBe(3);
    for (const name of names) {
      const response = await service.fetch(name);
      expect(response.status).toBe(200);
      expect(response.headers.get("cache-control")).toBe("public, max-age=31536000, immutable");
      if (name.endsWith(".js"))
        expect((await response.arrayBuffer()).byteLength).toBeLessThan(MAX_SCRIPT_BYTES);
    }
  });

  it("are limited to those of the build", async () => {
    for (const path of ["/studio/index.html", "/studio/none.js", "/studio/..%2f..%2fpackage.json"]) {
      expect((await service.fetch(path)).status).toBe(404);
    }
  });
});
