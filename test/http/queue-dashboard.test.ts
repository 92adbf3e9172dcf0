import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import type { Scope } from "../../src/contract/auth.ts";
import { TestService } from "../support/harness/service.ts";
import { form } from "../support/submission-form.ts";

const PATH = "/admin/queue";
let service: TestService;
beforeAll(async () => {
  service = await TestService.start();
  // Each request here names its own key, or none.
  service.apiKey = undefined;
});
afterAll(() => service.stop());

async function key(...scopes: Scope[]): Promise<string> {
  const { text } = await service.apiKeys.create({ owner: "ops", name: "", scopes, lifetimeMs: null });
  return text;
}
const basic = (password: string) => ({
  authorization: `Basic ${Buffer.from(`anyone:${password}`).toString("base64")}`,
});

describe("The queue dashboard", () => {
  it("requires the scope admin for its page, files and data", async () => {
    const reader = await key("read", "submit");
    for (const path of ["", "/api/queues", "/static/images/logo.svg"]) {
      expect((await service.fetch(PATH + path)).status).toBe(401);
      expect((await service.fetch(PATH + path, { headers: basic(reader) })).status).toBe(403);
    }
    const asked = await service.fetch(PATH);
    expect(asked.headers.get("www-authenticate")).toMatch(/^Basic /);
  });

  it("shows the queue to an admin key, sent as Basic or Bearer", async () => {
    const submitter = { authorization: `Bearer ${await key("submit")}` };
    const body = await form({ options: '{"size":64}' });
    const posted = await service.fetch("/v1/jobs", { method: "POST", body, headers: submitter });
    expect(posted.status).toBe(202);
    const admin = await key("admin");
    const page = await service.fetch(PATH, { headers: basic(admin) });
    expect([page.status, page.headers.get("content-type")]).toEqual([200, "text/html; charset=utf-8"]);
    const program = { authorization: `Bearer ${admin}` };
    const queues = await (await service.fetch(`${PATH}/api/queues`, { headers: program })).json();
    expect(queues).toMatchObject({ queues: [{ readOnlyMode: true, counts: { prioritized: 1 } }] });
  });

  it("is read-only", async () => {
    const headers = basic(await key("admin"));
    const emptied = await service.fetch(`${PATH}/api/queues/paint/empty`, { method: "PUT", headers });
    expect(emptied.status).toBeGreaterThanOrEqual(400);
    const everywhere = await service.fetch("/v1/jobs", { headers });
    expect(everywhere.status).toBe(401);
  });

  it("is not part of openapi.yaml", async () => {
    expect(await (await service.fetch("/openapi.yaml")).text()).not.toContain(PATH);
  });
});
