import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import type { Redis } from "ioredis";
import { ApiKeyStore } from "../../src/auth/api-key-store.ts";
import { keysCommand, UsageError } from "../../src/auth/keys-command.ts";
import { SignedLinks } from "../../src/auth/signed-links.ts";
import { connectForRequests } from "../../src/redis/connection.ts";
import { RedisKeys } from "../../src/redis/keys.ts";
import { connected, TestRedis } from "../support/harness/redis.ts";

let server: TestRedis;
let redis: Redis;
let store: ApiKeyStore;
let links: SignedLinks;

beforeAll(async () => {
  server = await TestRedis.start();
  redis = await connected(connectForRequests(server.url));
  links = new SignedLinks(redis, new RedisKeys("test"));
  store = new ApiKeyStore(redis, new RedisKeys("test"));
});
afterAll(async () => {
  redis.disconnect();
  await server.stop();
});
beforeEach(async () => {
  await redis.flushall();
});

/** Runs the command and returns the lines on stdout. */
async function keys(...args: string[]): Promise<string[]> {
  const lines: string[] = [];
  await keysCommand(
    args,
    { apiKeys: store, signedLinks: links },
    { result: (line) => lines.push(line), note: () => undefined },
  );
  return lines;
}
const idOf = (text: string | undefined) => text?.split("_")[1] ?? "";

describe("The keys command", () => {
  it("creates a valid key and never shows its secret again", async () => {
    const [text = ""] = await keys("create", "--owner", "acme", "--name", "their shop", "--expires", "90d");
    expect(text).toMatch(/^nst_[0-9a-f]{12}_[\w-]{43}$/);
    expect(await store.authenticate(text)).toMatchObject({ owner: "acme", scopes: ["submit", "read"] });
    const secret = text.slice(-43);
    const stored = await Promise.all((await redis.keys("*api-key:*")).map((name) => redis.get(name)));
    expect(stored).toHaveLength(1);
    expect(`${stored} ${await keys("list")} ${await keys("list", "--json")}`).not.toContain(secret);
    expect(JSON.parse((await keys("list", "--json"))[0] ?? "")).toMatchObject([
      { id: idOf(text), owner: "acme", name: "their shop", state: "active" },
    ]);
  });

  it("creates keys that no other secret, id or format authenticates", async () => {
    const [text = ""] = await keys("create", "--owner", "acme");
    const [other = ""] = await keys("create", "--owner", "acme");
    const invalid = [
      text.slice(0, -1) + (text.endsWith("A") ? "B" : "A"),
      `nst_${idOf(text)}_${other.slice(-43)}`,
      `nst_${"0".repeat(12)}_${text.slice(-43)}`,
      ...[text.toUpperCase(), text.slice(4), `${text}A`, ` ${text}`, "", "nst__"],
    ];
    for (const one of invalid) expect(await store.authenticate(one)).toBeNull();
  });

  it("rotates a key and keeps the old secret valid for the grace period", async () => {
    const [before = ""] = await keys("create", "--owner", "acme");
    const [after = ""] = await keys("rotate", idOf(before), "--grace", "1h");
    expect(idOf(after)).toBe(idOf(before));
    expect(await store.authenticate(before)).not.toBeNull();
    expect(await store.authenticate(after)).not.toBeNull();
    const [last = ""] = await keys("rotate", idOf(before), "--grace", "0s");
    expect(await store.authenticate(before)).toBeNull();
    expect(await store.authenticate(after)).toBeNull();
    expect(await store.authenticate(last)).toMatchObject({ owner: "acme" });
  });

  it("revokes a key at once and permanently", async () => {
    const [text = ""] = await keys("create", "--owner", "acme");
    await keys("revoke", idOf(text));
    expect(await store.authenticate(text)).toBeNull();
    await expect(keys("rotate", idOf(text))).rejects.toThrow(/active key/);
    expect((await keys("list")).join("\n")).toMatch(/revoked/);
  });

  it("expires a key after its lifetime", async () => {
    const [text = ""] = await keys("create", "--owner", "acme", "--expires", "0s");
    expect(await store.authenticate(text)).toBeNull();
    expect((await keys("list")).join("\n")).toMatch(/expired/);
  });

  it.each([
    [[], /expected create, list, rotate, revoke or rotate-links, received nothing/],
    [["create"], /--owner: /],
    [["create", "--owner", "Acme & Co"], /--owner: .*received "Acme & Co"/],
    [["create", "--owner", "acme", "--scopes", "submit,all"], /--scopes/],
    [["create", "--owner", "acme", "--expires", "soon"], /--expires: .*received "soon"/],
    [["revoke", "nothing"], /expected the id of a key, received "nothing"/],
    [["list", "--everything"], /--everything/],
  ])("rejects the arguments %j and says what was expected", async (args, message) => {
    const attempt = keys(...args);
    await expect(attempt).rejects.toThrow(UsageError);
    await expect(attempt).rejects.toThrow(message);
  });
});
