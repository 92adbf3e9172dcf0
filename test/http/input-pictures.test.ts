import { afterAll, afterEach, beforeAll, describe, expect, it } from "@jest/globals";
import type { JobView } from "../../src/contract/job.ts";
import type { Problem } from "../../src/contract/problems.ts";
import { TestService } from "../support/harness/service.ts";
import { jpeg, png } from "../support/pictures.ts";
import { file } from "../support/submission-form.ts";

let service: TestService;
beforeAll(async () => {
  service = await TestService.start();
});
afterEach(() => service.clear());
afterAll(() => service.stop());

describe("The input pictures of a job", () => {
  it("are returned unchanged, with their type and an ETag", async () => {
    const [content, first, second] = [await png(), await jpeg({ seed: 2 }), await png({ seed: 3 })];
    const body = new FormData();
    body.append("content", file(content), "cat.png");
    body.append("style", file(first), "a.jpg");
    body.append("style", file(second), "b.png");
    const posted = await service.fetch("/v1/jobs", { method: "POST", body });
    const { links } = (await posted.json()) as JobView;

    for (const [link, bytes, type] of [
      [links.content, content, "image/png"],
      [links.style_0, first, "image/jpeg"],
      [links.style_1, second, "image/png"],
    ] as const) {
      const response = await service.fetch(link ?? "");
      expect([response.status, response.headers.get("content-type")]).toEqual([200, type]);
      expect(Buffer.from(await response.arrayBuffer()).equals(bytes)).toBe(true);
      const etag = response.headers.get("etag") ?? "";
      const again = await service.fetch(link ?? "", { headers: { "if-none-match": etag } });
      expect(again.status).toBe(304);
    }

    const none = await service.fetch(`${links.self}/styles/2`);
    expect(none.status).toBe(404);
    expect((await none.json()) as Problem).toMatchObject({
      code: "style_not_found",
      errors: [{ path: "index", expected: "0 to 1", received: "2" }],
    });
  });

  it("respond with 410 after they have been deleted", async () => {
    const body = new FormData();
    body.append("content", file(await jpeg()), "cat.jpg");
    body.append("style", file(await jpeg()), "style.jpg");
    const posted = await service.fetch("/v1/jobs", { method: "POST", body });
    const { id, links } = (await posted.json()) as JobView;
    await service.store.delete((await service.queue.find(id))?.content ?? "");
    const response = await service.fetch(links.content ?? "");
    expect([response.status, ((await response.json()) as Problem).code]).toEqual([410, "result_expired"]);
  });

  it("respond with 404 for a job that does not exist", async () => {
    const response = await service.fetch("/v1/jobs/01890a5d-ac96-774b-bcce-b302099a8057/content");
    expect([response.status, ((await response.json()) as Problem).code]).toEqual([404, "job_not_found"]);
  });
});
