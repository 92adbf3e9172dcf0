import { jpeg, plain } from "../../support/pictures.ts";
import { file } from "../../support/submission-form.ts";
import { type AbuseCase, atOnce, unexpected } from "../case.ts";
import { send } from "../send.ts";

/** A form with a picture as the content and a small style. */
async function formWith(bytes: Uint8Array): Promise<FormData> {
  const data = new FormData();
  data.append("content", file(bytes), "content");
  data.append("style", file(await jpeg({ seed: 2 })), "style.jpg");
  data.append("options", '{"size":64}');
  return data;
}

export const decodingBombs: AbuseCase = {
  name: "small files of many pixels",
  async run({ attacker }, scale) {
    const edge = scale === 1 ? 8_000 : 4_000;
    const bomb = await plain(edge, edge, "#246").avif({ effort: 0 }).toBuffer();
    const statuses = await atOnce(Math.max(4, Math.round(16 * scale)), async () => {
      const response = await attacker.fetch("/v1/jobs", { method: "POST", body: await formWith(bomb) });
      await response.arrayBuffer();
      return response.status;
    });
    return unexpected("a picture", statuses, [202, 422, 429, 503]);
  },
};

export const batchOfPictures: AbuseCase = {
  name: "a batch of many pairs",
  async run({ attacker, deployment }) {
    const [contents, styles] = [6, 6];
    const data = new FormData();
    for (let index = 0; index < contents; index += 1)
      data.append("content", file(await jpeg({ width: 640, height: 480, seed: index + 1 })), "content.jpg");
    for (let index = 0; index < styles; index += 1)
      data.append("style", file(await jpeg({ width: 640, height: 480, seed: index + 20 })), "style.jpg");
    data.append("options", '{"size":64}');
    const before = await countBlobs(deployment);
    const response = await attacker.fetch("/v1/batches", { method: "POST", body: data });
    await response.arrayBuffer();
    const stored = (await countBlobs(deployment)) - before;
    const wrong = unexpected("a batch", [response.status], [202]);
    if (stored > contents + styles) wrong.push(`${contents + styles} pictures were stored ${stored} times`);
    return wrong;
  },
};

export const signedLinks: AbuseCase = {
  name: "many variants by one signed link",
  async run({ attacker, painted, url }, scale) {
    const json = { "content-type": "application/json" };
    const created = await attacker.fetch(`/v1/jobs/${painted}/links`, {
      ...{ method: "POST", headers: json },
      body: "{}",
    });
    const { links } = (await created.json()) as { links: { result: string } };
    const ask = async (query: string) => (await fetch(`${url}${links.result}&${query}`)).status;
    const qualities = Array.from({ length: Math.max(8, 32 * scale) }, (_, index) => index + 50);
    const statuses = await Promise.all(qualities.map((quality) => ask(`format=avif&quality=${quality}`)));
    const wrong = unexpected("a changed signed link", statuses, [400, 403]);
    const own = await atOnce(qualities.length, async (index) => {
      const path = `/v1/jobs/${painted}/result?format=webp&quality=${50 + index}`;
      return (await attacker.fetch(path)).status;
    });
    return [...wrong, ...unexpected("a variant for the owner", own, [200, 429, 503])];
  },
};

export const timelapses: AbuseCase = {
  name: "one timelapse for many at once",
  async run({ attacker, painted, url }, scale) {
    const statuses = await atOnce(Math.max(8, 32 * scale), async (index) => {
      // Every second client leaves before the answer.
      if (index % 2 === 1) return await leave(`${url}/v1/jobs/${painted}/timelapse`, attacker.authorization);
      const { status } = await send(`${url}/v1/jobs/${painted}/timelapse`, {
        ...{ method: "GET", headers: attacker.authorization },
      });
      return status;
    });
    return unexpected("a timelapse", statuses, [200, 409, 503]);
  },
};

async function leave(url: string, headers: Record<string, string>): Promise<number> {
  await fetch(url, { headers, signal: AbortSignal.timeout(20) }).catch(() => undefined);
  return 200;
}

async function countBlobs({ store }: { store: { list(prefix: string): AsyncIterable<unknown> } }) {
  let count = 0;
  for await (const _ of store.list("")) count += 1;
  return count;
}
