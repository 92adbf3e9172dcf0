import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { Redis } from "ioredis";
import { freePorts } from "../../local/free-ports.ts";
import { ApiKeyStore } from "../../src/auth/api-key-store.ts";
import { connectForRequests } from "../../src/redis/connection.ts";
import { RedisKeys } from "../../src/redis/keys.ts";
import { NARROW_WEIGHTS, ProgramProcess } from "../support/harness/program.ts";
import { connected, TestRedis } from "../support/harness/redis.ts";
import { TestS3Server } from "../support/harness/s3-server.ts";
import { addressOf } from "../support/harness/test-client.ts";
import { WebhookReceiver } from "../support/harness/webhook-receiver.ts";
import { jpeg } from "../support/pictures.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const folder = temporaryFolder();
const REDIS_PASSWORD = "redis-secret-4711";
let [redis, store, receiver, pictures] = [] as unknown as [TestRedis, TestS3Server, WebhookReceiver, Server];
let port: number | undefined;
const programs: ProgramProcess[] = [];

beforeAll(async () => {
  [redis, store, receiver] = await Promise.all([
    TestRedis.start(),
    TestS3Server.start(),
    WebhookReceiver.start(),
  ]);
  [port] = await freePorts(1);
  const administrator = new Redis(new URL(redis.url).pathname);
  await administrator.call("CONFIG", "SET", "bind", "127.0.0.1");
  await administrator.call("CONFIG", "SET", "port", String(port));
  await administrator.call("CONFIG", "SET", "requirepass", REDIS_PASSWORD);
  administrator.disconnect();
  const picture = Buffer.from(await jpeg());
  pictures = createServer((request, response) => {
    response.writeHead(request.url?.startsWith("/cat") ? 200 : 500).end(picture);
  });
  pictures.listen(0, "127.0.0.1");
  await once(pictures, "listening");
});
afterAll(async () => {
  await Promise.all(programs.map((program) => program.end("SIGKILL")));
  pictures?.close();
  await Promise.all([receiver?.stop(), redis?.stop(), store?.stop()]);
});

describe("The logs of API and worker at level trace", () => {
  it("contain no password, key, signature or secret, even when something fails", async () => {
    const url = `redis://:${REDIS_PASSWORD}@127.0.0.1:${port}`;
    const environment = {
      ...store.environment,
      ...{ REDIS_URL: url, DATA_DIR: folder(), LOG_LEVEL: "trace", PORT: "0", ANONYMOUS_ACCESS: "never" },
      ...{ NST_VGG19_WEIGHTS: NARROW_WEIGHTS, URL_ALLOWED_NETWORKS: "127.0.0.0/8" },
    };
    const run = (script: string, more: Record<string, string> = {}) => {
      const program = new ProgramProcess(script, { ...environment, ...more });
      programs.push(program);
      return program;
    };
    const api = run("src/main.js");
    const worker = run("workers/main.js");
    const address = await addressOf(api);
    await worker.line(({ msg }) => msg === "ready for jobs");
    const own = await connected(connectForRequests(url));
    const apiKeys = new ApiKeyStore(own, new RedisKeys("nst"));
    const { text: key } = await apiKeys.create({
      ...{ owner: "anna", name: "", scopes: ["submit", "read"], lifetimeMs: null },
    });
    const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };
    const ask = async (path: string, body?: object) =>
      await fetch(`${address}${path}`, {
        headers,
        ...(body && { method: "POST", body: JSON.stringify(body) }),
      });

    const host = `127.0.0.1:${(pictures.address() as AddressInfo).port}`;
    const content = { url: `http://${host}/cat?X-Amz-Signature=signature-of-a-url` };
    const submission = {
      ...{ content, style: content, options: { preset: "draft", size: 32, steps: 5 } },
      webhook: { url: `${receiver.url}&token=token-of-a-webhook`, events: ["job.succeeded"] },
    };
    const { secrets } = (await (await ask("/v1/webhooks/secret")).json()) as {
      secrets: { secret: string }[];
    };
    receiver.answer = () => 500; // so that the failure is logged too
    const accepted = await ask("/v1/jobs", submission);
    expect(accepted.status).toBe(202);
    const { id } = (await accepted.json()) as { id: string };
    await receiver.events(1);
    const { links } = (await (await ask(`/v1/jobs/${id}/links`, {})).json()) as {
      links: { result: string };
    };
    expect((await fetch(`${address}${links.result}`)).status).toBe(200);
    const failing = { url: `http://${host}/none?X-Amz-Signature=signature-of-another` };
    expect((await ask("/v1/jobs", { ...submission, style: failing })).status).toBe(422);
    const named = { url: `http://user:password-in-a-url@${host}/cat` };
    expect((await ask("/v1/jobs", { ...submission, style: named })).status).toBe(422);

    const stranger = run("src/main.js", { REDIS_URL: url.replace(REDIS_PASSWORD, "wrong-secret-0815") });
    await stranger.exited();
    expect(stranger.output).toContain("REDIS_URL: Redis rejects the user or password");
    // From now on Redis rejects the service's own password.
    await own.call("CONFIG", "SET", "requirepass", "another");
    await own.call("CLIENT", "KILL", "TYPE", "normal").catch(() => undefined);
    own.disconnect();
    await api.line(({ err }) => JSON.stringify(err ?? "").includes("WRONGPASS"));
    expect((await ask(`/v1/jobs/${id}`)).status).toBe(503);
    await Promise.all(programs.map((program) => program.end()));

    const signature = new URL(links.result, address).searchParams.get("signature") ?? "none";
    const told = [
      ...[
        REDIS_PASSWORD,
        "wrong-secret-0815",
        key,
        key.slice(-30),
        signature,
        store.environment.S3_SECRET_ACCESS_KEY,
      ],
      ...["signature-of-a-url", "signature-of-another", "password-in-a-url", "token-of-a-webhook"],
      ...secrets.map(({ secret }) => secret),
    ];
    for (const { output } of programs) {
      expect(output).not.toBe("");
      for (const secret of told) expect(output).not.toContain(secret);
    }
  });
});
