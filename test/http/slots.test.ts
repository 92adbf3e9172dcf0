import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { EventReader } from "../support/event-stream.ts";
import { TestService } from "../support/harness/service.ts";
import { form } from "../support/submission-form.ts";
import { until } from "../support/until.ts";

let service: TestService;
let events: string;
let upload: string;
beforeAll(async () => {
  service = await TestService.start();
  const { id } = await service.submit();
  const head = `Host: localhost\r\nAuthorization: Bearer ${service.apiKey}\r\n`;
  events = `GET /v1/jobs/${id}/events HTTP/1.1\r\n${head}\r\n`;
  upload =
    `POST /v1/jobs HTTP/1.1\r\n${head}Prefer: wait=60\r\nContent-Type: multipart/form-data; boundary=b\r\n` +
    'Content-Length: 9000\r\n\r\n--b\r\nContent-Disposition: form-data; name="content"\r\n\r\nhalf';
});
afterAll(() => service.stop());

async function open(text: string): Promise<Socket> {
  const socket = connect(service.port, "127.0.0.1");
  socket.on("error", () => undefined);
  await once(socket, "connect");
  socket.write(text);
  return socket;
}

const inUse = () => service.app.limiters.upload.inUse + service.app.limiters.stream.inUse;
/** Resolves when the service has received this many requests. */
function received(count: number): Promise<void> {
  return new Promise((resolve) => {
    let left = count;
    const onRequest = () => {
      left -= 1;
      if (left > 0) return;
      service.app.server.off("request", onRequest);
      resolve();
    };
    service.app.server.on("request", onRequest);
  });
}

/** Clients that disconnect, each after sending what is named. */
const WAYS: [string, () => Promise<void>][] = [
  [
    "while the key is checked",
    async () => {
      await service.redis.call("CLIENT", "PAUSE", "300", "ALL");
      const all = received(20);
      const sockets = await Promise.all([...Array(10)].flatMap(() => [open(events), open(upload)]));
      await all;
      for (const socket of sockets) socket.destroy();
    },
  ],
  [
    "with requests behind another on the same connection",
    async () => {
      const all = received(20);
      const socket = await open(events.repeat(20));
      await all;
      await until(() => inUse() > 0);
      socket.destroy();
    },
  ],
  [
    "during an upload",
    async () => {
      const sockets = await Promise.all([...Array(5)].map(() => open(upload)));
      await until(() => service.app.limiters.upload.inUse === 5);
      for (const socket of sockets) socket.destroy();
    },
  ],
  [
    "during a stream",
    async () => {
      const sockets = await Promise.all([...Array(5)].map(() => open(events)));
      await Promise.all(sockets.map((socket) => once(socket, "data")));
      expect(service.app.limiters.stream.inUse).toBe(5);
      for (const socket of sockets) socket.destroy();
    },
  ],
  [
    "while the response waits for the end of the job",
    async () => {
      const controller = new AbortController();
      const sent = service.fetch("/v1/jobs", {
        ...{ method: "POST", body: await form(), headers: { prefer: "wait=60" }, signal: controller.signal },
      });
      await until(() => service.app.limiters.stream.inUse === 1);
      controller.abort();
      await expect(sent).rejects.toThrow();
    },
  ],
  [
    "after the response",
    async () => {
      await service.submit();
      const [path = ""] = events.split(" ").slice(1);
      const reader = new EventReader(await service.fetch(path));
      await reader.next();
      await reader.cancel();
    },
  ],
];

describe("A client that disconnects", () => {
  it.each(WAYS)("%s leaves no slot in use", async (_, disconnect) => {
    await disconnect();
    await until(() => inUse() === 0);
    expect(service.app.limiters).toMatchObject({ upload: { inUse: 0 }, stream: { inUse: 0 } });
    await until(async () => (await service.spooled()).length === 0);
  });
});
