import { afterAll, beforeAll, expect, it, jest } from "@jest/globals";
import { EventReader } from "../support/event-stream.ts";
import { TestService } from "../support/harness/service.ts";
import { until } from "../support/until.ts";

let service: TestService;
beforeAll(async () => {
  service = await TestService.start({ HEARTBEAT_SECONDS: "1" });
});
afterAll(() => service.stop());

it("reads a job once per change for all of its event streams", async () => {
  const { id } = await service.submit();
  const readers = await Promise.all(
    Array.from({ length: 30 }, async () => new EventReader(await service.fetch(`/v1/jobs/${id}/events`))),
  );
  for (const reader of readers) expect((await reader.next())?.event).toBe("status");
  const find = jest.spyOn(service.queue, "find");
  const body = JSON.stringify({ style_weight: 5 });
  const headers = { "content-type": "application/json" };
  await service.fetch(`/v1/jobs/${id}`, { method: "PATCH", headers, body });
  for (const reader of readers) expect((await reader.next())?.event).toBe("options");
  // The request itself reads the job too.
  expect(find.mock.calls.length).toBeLessThanOrEqual(5);
  find.mockRestore();
  await Promise.all(readers.map((reader) => reader.cancel()));
  await until(async () =>
    ((await service.redis.pubsub("CHANNELS")) as string[]).every((name) => !name.includes(id)),
  );
});

it("ends the event stream of a key that is revoked", async () => {
  const { id } = await service.submit();
  const { key, text } = await service.apiKeys.create({
    ...{ owner: "tests", name: "", scopes: ["read"], lifetimeMs: null },
  });
  const authorization = `Bearer ${text}`;
  const reader = new EventReader(
    await service.fetch(`/v1/jobs/${id}/events`, { headers: { authorization } }),
  );
  expect((await reader.next())?.event).toBe("status");
  await service.apiKeys.revoke(key.id);
  expect(await reader.next()).toBeNull();
});
