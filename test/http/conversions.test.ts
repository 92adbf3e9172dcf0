import { get } from "node:http";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { MEDIA_TYPES } from "../../src/pictures/picture-type.ts";
import { TestService } from "../support/harness/service.ts";
import { draw } from "../support/pictures.ts";
import { until } from "../support/until.ts";

/** Large enough that an AVIF of it is not done before a client can leave. */
const SIZE = { width: 640, height: 480 };
let service: TestService;
let id: string;

beforeAll(async () => {
  service = await TestService.start();
  const bytes = await draw(SIZE).png().toBuffer();
  service.startWorker(async ({ record }) => {
    const key = `jobs/${record.id}/result`;
    await service.store.put(key, bytes);
    await service.store.put(`jobs/${record.id}/timelapse/0001`, bytes);
    const result = { key, media_type: MEDIA_TYPES.png, bytes: bytes.length, ...SIZE };
    return { type: "succeeded", fields: { result, timelapse: { frames: 1, interval: 1 } } };
  });
});
beforeEach(async () => {
  ({ id } = await service.submit());
  await service.untilStatus(id, "succeeded");
});
afterAll(() => service.stop());

const path = (query: string) => `/v1/jobs/${id}/result?${query}`;
const started = () => ({ ...service.conversionPool.started });
async function derived(): Promise<string[]> {
  const keys = await service.storedKeys();
  return keys.filter((key) => key.includes(`${id}/derived/`)).map((key) => key.split("/").at(-1) ?? "");
}
/** Asks for a picture; the returned function disconnects. */
function ask(query: string): () => void {
  const request = get(`${service.url}${path(query)}`, { headers: service.authorization });
  request.on("error", () => undefined);
  return () => request.destroy();
}

describe("A conversion", () => {
  it("runs once for all clients that want it at once, in a process of its own", async () => {
    const before = started().convert;
    const [one, two] = await Promise.all(
      [path("format=webp"), path("format=webp")].map((url) => service.fetch(url)),
    );
    expect([one?.status, two?.status]).toEqual([200, 200]);
    expect((await service.fetch(path("format=webp"))).status).toBe(200);
    expect(started().convert - before).toBe(1);
    expect(await service.spooled()).toEqual([]);
  });

  it("is cancelled when the last client has left, and not before", async () => {
    const leave = [ask("format=avif&quality=80"), ask("format=avif&quality=80")];
    await until(() => service.conversionPool.running === 1);
    leave[0]?.();
    const stays = service.fetch(path("format=avif&quality=80"));
    leave[1]?.();
    expect((await stays).status).toBe(200);

    const last = ask("format=avif&quality=81");
    await until(() => service.conversionPool.running === 1);
    last();
    await until(() => service.conversionPool.running === 0);
    await until(async () => (await service.spooled()).length === 0);
    expect(await derived()).toEqual(["avif-80"]);
  });

  it("of one owner leaves places for others, and more get 503", async () => {
    const leave = Array.from({ length: 8 }, (_, index) => ask(`format=avif&quality=${index + 1}`));
    await until(async () => (await service.spooled()).length === 8);
    const response = await service.fetch(path("format=avif&quality=99"));
    expect(response.status).toBe(503);
    expect(await response.json()).toMatchObject({ code: "too_many_conversions" });
    expect(response.headers.get("retry-after")).toBe("5");
    for (const one of leave) one();
    await until(async () => service.conversionPool.running === 0 && (await service.spooled()).length === 0);
    expect((await service.fetch(path("format=jpeg"))).status).toBe(200);
  });

  it("keeps the four latest pictures of a job, timelapses included", async () => {
    for (const quality of [1, 2, 3, 4])
      expect((await service.fetch(path(`format=jpeg&quality=${quality}`))).status).toBe(200);
    const before = started().join;
    expect((await service.fetch(`/v1/jobs/${id}/timelapse`)).status).toBe(200);
    expect(started().join - before).toBe(1);
    const kept = await derived();
    expect(kept).toHaveLength(4);
    expect(kept).toEqual(expect.arrayContaining(["jpeg-2", "jpeg-3", "jpeg-4"]));
  });
});
