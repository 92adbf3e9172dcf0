import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import type { Redis } from "ioredis";
import { ApiKeyStore } from "../../src/auth/api-key-store.ts";
import { rotateSecrets } from "../../src/auth/secret-rotation.ts";
import { SignedLinks } from "../../src/auth/signed-links.ts";
import { connectForRequests } from "../../src/redis/connection.ts";
import { RedisKeys } from "../../src/redis/keys.ts";
import { WebhookSecrets } from "../../src/webhooks/webhook-secrets.ts";
import { connected, TestRedis } from "../support/harness/redis.ts";

const HOUR_MS = 3600_000;
const keys = new RedisKeys("test");
let server: TestRedis;
let redis: Redis;

beforeAll(async () => {
  server = await TestRedis.start();
  redis = await connected(connectForRequests(server.url));
});
afterAll(async () => {
  redis.disconnect();
  await server.stop();
});
beforeEach(async () => {
  await redis.flushall();
});

describe("An API key", () => {
  const create = (store: ApiKeyStore) =>
    store.create({ owner: "acme", name: "", scopes: ["read"], lifetimeMs: null });

  it("stays revoked if it is rotated at the same time", async () => {
    const store = new ApiKeyStore(redis, keys);
    for (let turn = 0; turn < 10; turn += 1) {
      const { key, text } = await create(store);
      const [, rotated] = await Promise.all([store.revoke(key.id), store.rotate(key.id, HOUR_MS)]);
      for (const one of [text, ...(rotated ? [rotated.text] : [])]) {
        expect(await store.authenticate(one)).toBeNull();
      }
    }
  });

  it("loses no secret if it is rotated several times at once", async () => {
    const store = new ApiKeyStore(redis, keys);
    const { key, text } = await create(store);
    const issued = await Promise.all([1, 2, 3].map(() => store.rotate(key.id, HOUR_MS)));
    for (const one of [text, ...issued.map((each) => each?.text ?? "")]) {
      expect(await store.authenticate(one)).not.toBeNull();
    }
    const last = await store.rotate(key.id, 0);
    expect(await store.authenticate(text)).toBeNull();
    expect(await store.authenticate(issued[0]?.text ?? "")).toBeNull();
    expect(await store.authenticate(last?.text ?? "")).not.toBeNull();
  });
});

describe("Secrets that several processes rotate at once", () => {
  it("still verify the links that were signed before, and those signed since", async () => {
    const links = new SignedLinks(redis, keys);
    const expires = Math.ceil(Date.now() / 1000) + 3600;
    const sign = async () => new URL(await links.sign("/v1/jobs/a/result", expires), "http://localhost");
    const signed = [await sign()];
    await Promise.all([links.rotate(HOUR_MS), links.rotate(HOUR_MS)]);
    signed.push(await sign());
    for (const { pathname, searchParams } of signed) {
      const signature = searchParams.get("signature") ?? "";
      expect(await links.verify(pathname, {}, { expires, signature })).toBe(true);
    }
  });

  it("all sign webhooks", async () => {
    const secrets = new WebhookSecrets(redis, keys);
    const [first] = await secrets.get("acme");
    const returned = await Promise.all([secrets.rotate("acme"), secrets.rotate("acme")]);
    const current = (await secrets.get("acme")).map(({ secret }) => secret);
    expect(current).toHaveLength(3);
    expect(current).toEqual(expect.arrayContaining([first?.secret, ...returned.map(([one]) => one?.secret)]));
  });
});

describe("A rotation", () => {
  it("prolongs no earlier secret, and keeps three of them at most", () => {
    const until = (ms: number | null) => ({ until: ms === null ? null : new Date(ms).toISOString() });
    const earlier = [until(null), until(500), until(5_000), until(6_000), until(7_000)];
    expect(rotateSecrets(earlier, until(null), 3_000, "until", 1_000)).toEqual([
      ...[until(null), until(4_000), until(4_000), until(4_000)],
    ]);
    expect(rotateSecrets(earlier, until(null), 0, "until", 1_000)).toEqual([until(null)]);
  });
});
