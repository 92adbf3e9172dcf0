import { afterAll, afterEach, beforeAll, describe, expect, it } from "@jest/globals";
import { type JobList, type JobView, jobListSchema, jobViewSchema } from "../../src/contract/job.ts";
import { TestService } from "../support/harness/service.ts";
import { form } from "../support/submission-form.ts";

let service: TestService;
beforeAll(async () => {
  service = await TestService.start();
});
afterEach(async () => {
  await service.clear();
});
afterAll(() => service.stop());

async function submit(): Promise<JobView> {
  const body = await form({ options: '{"size":64}' });
  const response = await service.fetch("/v1/jobs", { method: "POST", body });
  expect(response.status).toBe(202);
  return jobViewSchema.parse(await response.json());
}

describe("The list of jobs", () => {
  const list = async (query: string): Promise<JobList> => {
    const response = await service.fetch(`/v1/jobs${query}`);
    expect(response.status).toBe(200);
    return jobListSchema.parse(await response.json());
  };

  it("is empty without jobs", async () => {
    expect(await list("")).toEqual({ jobs: [], next_cursor: null });
  });

  it("returns the newest first, page by page, also while jobs are created and deleted", async () => {
    const ids: string[] = [];
    for (let count = 0; count < 5; count += 1) {
      ids.unshift((await submit()).id);
    }
    const first = await list("?limit=2");
    expect(first.jobs.map(({ id }) => id)).toEqual(ids.slice(0, 2));
    await submit();
    await service.fetch(`/v1/jobs/${first.next_cursor}`, { method: "DELETE" });
    const second = await list(`?limit=2&cursor=${first.next_cursor}`);
    expect(second.jobs.map(({ id }) => id)).toEqual(ids.slice(2, 4));
    const third = await list(`?limit=2&cursor=${second.next_cursor}`);
    expect(third.jobs.map(({ id }) => id)).toEqual(ids.slice(4));
    expect(third.next_cursor).toBeNull();
  });

  it("filters by status", async () => {
    const { id } = await submit();
    const canceled = await submit();
    await service.fetch(`/v1/jobs/${canceled.id}/cancel`, { method: "POST" });
    expect((await list("?status=queued")).jobs.map((job) => job.id)).toEqual([id]);
    expect((await list("?status=canceled")).jobs.map((job) => job.id)).toEqual([canceled.id]);
    expect((await list("?status=failed")).jobs).toEqual([]);
  });

  it.each(["?limit=0", "?limit=101", "?limit=x", "?status=done", "?cursor=abc", "?page=2"])(
    "responds with 400 for %s",
    async (query) => {
      const response = await service.fetch(`/v1/jobs${query}`);
      expect(response.status).toBe(400);
      const problem = (await response.json()) as { code: string; errors: { path: string }[] };
      expect(problem.code).toBe("invalid_request");
      expect(problem.errors[0]?.path).toMatch(/^query\./);
    },
  );
});
