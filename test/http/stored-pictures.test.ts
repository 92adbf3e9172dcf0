import { afterAll, afterEach, beforeAll, describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import type { BatchView } from "../../src/contract/batch.ts";
import type { JobView } from "../../src/contract/job.ts";
import { deleteOrphans } from "../../src/maintenance/orphans.ts";
import { TestService } from "../support/harness/service.ts";
import { jpeg } from "../support/pictures.ts";
import { file } from "../support/submission-form.ts";

let service: TestService;
beforeAll(async () => {
  service = await TestService.start({ MAX_BATCH_JOBS: "100" });
});
afterEach(async () => {
  await service.clear();
  for (const key of await service.storedKeys()) await service.store.delete(key);
});
afterAll(() => service.stop());

/** A form with these pictures, by their seeds. */
async function formOf(contents: number[], styles: number[], options = '{"size":64}'): Promise<FormData> {
  const body = new FormData();
  for (const seed of contents) body.append("content", file(await jpeg({ seed })), "content.jpg");
  for (const seed of styles) body.append("style", file(await jpeg({ seed })), "style.jpg");
  body.append("options", options);
  return body;
}
async function submit(content: number, styles: number[]): Promise<JobView> {
  const response = await service.fetch("/v1/jobs", { method: "POST", body: await formOf([content], styles) });
  expect(response.status).toBe(202);
  return (await response.json()) as JobView;
}
const remove = (path: string) => service.fetch(path, { method: "DELETE" });
const stored = async () => (await service.storedKeys()).length;
const pictureKeys = () => service.redis.keys("*picture*");
const decoded = () => service.picturePool.started.inspect;

describe("A picture of an owner", () => {
  it("is decoded and stored once in a batch, however many jobs use it", async () => {
    const before = decoded();
    const body = await formOf([1, 2, 3, 1], [4, 5, 4]);
    const response = await service.fetch("/v1/batches", { method: "POST", body });
    expect(response.status).toBe(202);
    const batch = (await response.json()) as BatchView;
    expect(batch.jobs).toHaveLength(12);
    expect(decoded() - before).toBe(5);
    expect(await stored()).toBe(5);

    const [first, ...others] = batch.jobs;
    expect((await remove(`/v1/jobs/${first?.job.id}`)).status).toBe(204);
    for (const { job } of others) expect(await service.inputs(job.id)).toHaveLength(2);
    expect((await remove(`/v1/batches/${batch.id}`)).status).toBe(204);
    expect([await stored(), await pictureKeys()]).toEqual([0, []]);
  });

  it("is decoded and stored once in jobs that follow one another, and at once", async () => {
    const before = decoded();
    await submit(1, [2]);
    await Promise.all([submit(2, [1]), submit(1, [1, 2])]);
    expect([decoded() - before, await stored()]).toEqual([2, 2]);
  });

  it("is not that of another owner", async () => {
    const { id } = await submit(1, [1]);
    const { text } = await service.apiKeys.create({
      ...{ owner: "other", name: "", scopes: ["submit", "read"], lifetimeMs: null },
    });
    const before = decoded();
    const headers = { authorization: `Bearer ${text}` };
    const request = { method: "POST", body: await formOf([1], [1]), headers };
    const other = (await (await service.fetch("/v1/jobs", request)).json()) as JobView;
    expect([decoded() - before, await stored()]).toEqual([1, 2]);
    await remove(`/v1/jobs/${id}`);
    expect(await service.inputs(other.id)).toHaveLength(2);
  });

  it("is deleted with a request that is rejected, unless a job uses it", async () => {
    const { id } = await submit(1, [2]);
    const invalid = await formOf([1], [3], '{"size":64,"steps":0}');
    expect((await service.fetch("/v1/jobs", { method: "POST", body: invalid })).status).toBe(422);
    const corrupt = await formOf([1, 4], [2, 3]);
    corrupt.append("style", file(Buffer.from("no picture")), "style.jpg");
    const response = await service.fetch("/v1/batches", { method: "POST", body: corrupt });
    expect([response.status, (await service.queue.list({ limit: 10 })).length]).toEqual([415, 1]);
    expect(await service.inputs(id)).toHaveLength(2);
    expect(await stored()).toBe(2);
  });

  it("that a process held as it died is deleted a day later", async () => {
    const { pictures } = service.queue;
    const facts = {
      type: "jpeg",
      mediaType: "image/jpeg",
      bytes: 1,
      frames: 1,
      width: 64,
      height: 64,
    } as const;
    const dead = "01890a5d-ac96-774b-bcce-b302099a8057";
    for (const [key, digest] of [
      ["pictures/one", "a"],
      ["pictures/two", "b"],
    ] as const) {
      await service.store.put(key, Buffer.from("x"));
      await pictures.add("tests", digest, dead, { key, facts });
    }
    // Another request has found it since.
    const now = "ffffffff-ac96-774b-bcce-b302099a8057";
    await pictures.hold("tests", "b", now);
    await service.store.put("pictures/unknown", Buffer.from("x"));
    await deleteOrphans(service.queue, service.store, -1_000);
    expect(await service.storedKeys()).toEqual(["pictures/two"]);
    await pictures.release(["pictures/two"], now);
    await deleteOrphans(service.queue, service.store, -1_000);
    expect([await stored(), await pictureKeys()]).toEqual([0, []]);
  });
});

describe("Whatever jobs are submitted, continued, deleted and expired", () => {
  const operation = fc.oneof(
    fc.record({
      type: fc.constant("submit"),
      content: fc.nat(2),
      styles: fc.array(fc.nat(2), { minLength: 1, maxLength: 3 }),
    }),
    fc.record({ type: fc.constantFrom("delete", "expire", "continue"), job: fc.nat(5) }),
  );

  it("each has its pictures, and none stay when the last job is deleted", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(operation, { maxLength: 3 }), { maxLength: 5 }), async (rounds) => {
        const { queue } = service;
        const alive = new Set<string>();
        const run = async (step: (typeof rounds)[number][number], ids: string[]) => {
          if ("content" in step) {
            alive.add((await submit(step.content, step.styles)).id);
            return;
          }
          const id = ids[step.job];
          if (id === undefined) return;
          if (step.type === "delete") {
            await remove(`/v1/jobs/${id}`);
            alive.delete(id);
          } else if (step.type === "expire") {
            await queue.cancel(id);
            alive.delete(id);
            await queue.records.expire(id, (await queue.records.now()) + 60_000);
          } else if ((await queue.find(id))?.status === "succeeded") {
            const response = await service.fetch(`/v1/jobs/${id}/continue`, { method: "POST" });
            // 410 if another step has deleted the job in the meantime.
            if (response.status === 202) alive.add(((await response.json()) as JobView).id);
          }
        };
        for (const round of rounds) {
          service.startWorker();
          const ids = (await queue.list({ limit: 10 })).map(({ id }) => id);
          await Promise.all(round.map((step) => run(step, ids)));
          await service.stopWorkers();
          for (const id of alive) expect((await service.inputs(id)).length).toBeGreaterThan(1);
        }
        for (const { id } of await queue.list({ limit: 100 })) await remove(`/v1/jobs/${id}`);
        expect([await service.storedKeys(), await pictureKeys()]).toEqual([[], []]);
      }),
      { numRuns: 12 },
    );
  });
});
