import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { WebhookReceiver } from "../../support/harness/webhook-receiver.ts";
import { until } from "../../support/until.ts";
import { type AbuseCase, atOnce, unexpected } from "../case.ts";
import { send } from "../send.ts";

/** Sends a request's head and closes the connection after `ms`. */
function abandon(url: string, head: string[], ms: number): Promise<void> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve) => {
    const socket = connect(Number(port), hostname, () => {
      socket.write(`${head.join("\r\n")}\r\n\r\n`);
      setTimeout(() => socket.destroy(), ms);
    });
    socket.on("error", () => undefined);
    socket.on("close", () => resolve());
  });
}

export const abandonedRequests: AbuseCase = {
  name: "clients that leave after the head",
  async run({ url, attacker }, scale) {
    const { id } = await attacker.submitSmall();
    const key = `authorization: ${attacker.authorization.authorization}`;
    const form = "content-type: multipart/form-data; boundary=x";
    const heads = [
      ["POST /v1/jobs HTTP/1.1", "host: localhost", key, form, "content-length: 1000"],
      ["POST /v1/batches HTTP/1.1", "host: localhost", key, form, "content-length: 1000"],
      [`GET /v1/jobs/${id}/events HTTP/1.1`, "host: localhost", key],
      [`GET /v1/jobs/${id}?wait=20 HTTP/1.1`, "host: localhost", key],
    ];
    for (let sent = 0; sent < 300 * scale; sent += 20) {
      await atOnce(20, (index) => abandon(url, heads[index % heads.length] ?? [], (sent + index) % 7));
    }
    return [];
  },
};

export const readiness: AbuseCase = {
  name: "readiness asked by many while jobs wait that no worker takes",
  async run({ url, attacker, redis }, scale) {
    for (let queued = 0; queued < 20; queued += 1) await attacker.submitSmall();
    const before = await commands(redis);
    const calls = Math.round(50 * scale) * 10;
    const statuses: number[] = [];
    for (let sent = 0; sent < calls; sent += 50)
      statuses.push(...(await atOnce(50, async () => (await fetch(`${url}/readyz`)).status)));
    const each = ((await commands(redis)) - before) / statuses.length;
    const wrong = unexpected("/readyz", statuses, [200, 503]);
    return each > 5 ? [...wrong, `/readyz sent ${each.toFixed(1)} commands to Redis a call`] : wrong;
  },
};

export const streams: AbuseCase = {
  name: "many streams of one job",
  async run({ url, attacker, redis }) {
    const { id } = await attacker.submitSmall();
    const stop = new AbortController();
    const opened = atOnce(8, () =>
      fetch(`${url}/v1/jobs/${id}/events`, { headers: attacker.authorization, signal: stop.signal })
        .then((response) => response.text())
        .catch(() => undefined),
    );
    await sleep(500);
    const before = await commands(redis);
    await sleep(2_000);
    const perSecond = ((await commands(redis)) - before) / 2;
    stop.abort();
    await opened;
    return perSecond > 100 ? [`Redis got ${perSecond} commands a second`] : [];
  },
};

export const cancelAndRetry: AbuseCase = {
  name: "cancel and retry with a dead webhook",
  async run(service, scale) {
    const { attacker, redis } = service;
    const { id } = await attacker.submitSmall();
    const webhook = { url: "http://127.0.0.1:1/hook" };
    const json = { "content-type": "application/json" };
    const picture = {
      base64: (await attacker.fetch(`/v1/jobs/${id}/content`).then(bytesOf)).toString("base64"),
    };
    const submission = { content: picture, style: picture, options: { size: 64 }, webhook };
    const body = Buffer.from(JSON.stringify(submission));
    const answer = await service.send("/v1/jobs", { body, headers: json });
    const job = JSON.parse(answer.body.toString()) as { id: string };
    const bytes = async () => Number(/used_memory:(\d+)/.exec(await redis.info("memory"))?.[1]);
    const cycle = async () => {
      await attacker.fetch(`/v1/jobs/${job.id}/cancel`, { method: "POST" });
      await attacker.fetch(`/v1/jobs/${job.id}/retry`, { method: "POST" });
    };
    const cycles = Math.round(200 * scale);
    for (let done = 0; done < cycles / 2; done += 1) await cycle();
    const before = await bytes();
    for (let done = 0; done < cycles / 2; done += 1) await cycle();
    const each = ((await bytes()) - before) / (cycles / 2);
    return each > 4_096 ? [`a cycle leaves ${Math.round(each)} bytes in Redis`] : [];
  },
};

export const silentReceiver: AbuseCase = {
  name: "a webhook receiver that never answers",
  async run(service, scale) {
    const { attacker, other } = service;
    const [silent, prompt] = [await WebhookReceiver.start(), await WebhookReceiver.start()];
    silent.answer = () => new Promise<number>(() => undefined);
    try {
      const submit = async (client: typeof attacker, webhook: string) => {
        const { id } = await client.submitSmall();
        const picture = {
          base64: (await client.fetch(`/v1/jobs/${id}/content`).then(bytesOf)).toString("base64"),
        };
        const job = { content: picture, style: picture, options: { size: 64 }, webhook: { url: webhook } };
        const response = await client.fetch("/v1/jobs", {
          ...{ method: "POST", headers: { "content-type": "application/json" } },
          body: JSON.stringify(job),
        });
        await client.fetch(`/v1/jobs/${id}`, { method: "DELETE" });
        return ((await response.json()) as { id: string }).id;
      };
      const cancel = (client: typeof attacker, id: string) =>
        client.fetch(`/v1/jobs/${id}/cancel`, { method: "POST" });
      for (let sent = 0; sent < Math.max(8, 24 * scale); sent += 1)
        await cancel(attacker, await submit(attacker, silent.url));
      await until(() => silent.received.length > 0);
      const id = await submit(other, prompt.url);
      await cancel(other, id);
      const delivered = await until(() => prompt.received.length > 0, 5_000).catch(() => false);
      await other.fetch(`/v1/jobs/${id}`, { method: "DELETE" });
      return delivered ? [] : ["another owner's webhook waited for more than 5 s"];
    } finally {
      await silent.stop();
      await prompt.stop();
    }
  },
};

export const unreadableRecord: AbuseCase = {
  name: "one unreadable record",
  async run({ attacker, redis }) {
    const [{ id }, readable] = [await attacker.submitSmall(), await attacker.submitSmall()];
    await redis.hset(`{nst}:job:${id}`, "options", "no JSON");
    const response = await attacker.fetch("/v1/jobs?limit=100");
    const text = await response.text();
    const wrong = unexpected("a list with it", [response.status], [200]);
    if (!text.includes(readable.id)) wrong.push("the other jobs are not listed");
    // It can no longer be deleted by its owner: it is the case's to remove.
    await redis.hset(
      `{nst}:job:${id}`,
      "options",
      (await redis.hget(`{nst}:job:${readable.id}`, "options")) ?? "",
    );
    return wrong;
  },
};

export const idempotencyKeys: AbuseCase = {
  name: "one idempotency key on two routes",
  async run({ url, attacker, painted }) {
    const headers = { ...attacker.authorization, "idempotency-key": `abuse-${Date.now()}` };
    const one = await send(`${url}/v1/jobs/${painted}/continue`, { headers });
    const two = await send(`${url}/v1/jobs`, {
      headers: { ...headers, "content-type": "application/json" },
      body: Buffer.from("{}"),
    });
    return [
      ...unexpected("the first route", [one.status], [202]),
      ...unexpected("the second route", [two.status], [400, 409, 422]),
    ];
  },
};

async function commands(redis: { info(section: string): Promise<string> }): Promise<number> {
  return Number(/total_commands_processed:(\d+)/.exec(await redis.info("stats"))?.[1]);
}

const bytesOf = async (response: Response) => Buffer.from(await response.arrayBuffer());
