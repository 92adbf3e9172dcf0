import { setTimeout as sleep } from "node:timers/promises";
import type { JobView } from "../../src/contract/job.ts";
import type { ProgramProcess } from "../support/programs.ts";

/** The address at which an API process listens. */
export async function addressOf(api: ProgramProcess): Promise<string> {
  const { msg } = await api.line(({ msg }) => /listening .*http:\/\//i.test(msg));
  return /http:\/\/\S+/.exec(msg)?.[0] ?? "";
}

/** Speaks to the API as any client would. */
export class Client {
  constructor(private readonly address: string) {}

  async submit(content: Uint8Array, styles: Uint8Array[], options: object): Promise<JobView> {
    const form = new FormData();
    form.append("content", new Blob([new Uint8Array(content)]), "content");
    for (const style of styles) form.append("style", new Blob([new Uint8Array(style)]), "style");
    form.append("options", JSON.stringify(options));
    const response = await fetch(`${this.address}/v1/jobs`, { method: "POST", body: form });
    if (response.status !== 202) throw new Error(`${response.status} ${await response.text()}`);
    return (await response.json()) as JobView;
  }

  async view(id: string): Promise<JobView> {
    const response = await fetch(`${this.address}/v1/jobs/${id}`);
    if (response.status !== 200) throw new Error(`${response.status} ${await response.text()}`);
    return (await response.json()) as JobView;
  }

  /** The job's views from now until it has ended, each that differs from the one before. */
  async follow(id: string, ms = 120_000): Promise<JobView[]> {
    const views: JobView[] = [];
    const deadline = Date.now() + ms;
    for (;;) {
      const view = await this.view(id);
      if (JSON.stringify(view) !== JSON.stringify(views.at(-1))) views.push(view);
      if (view.status !== "queued" && view.status !== "running") return views;
      if (Date.now() > deadline) throw new Error(`The job did not end: ${JSON.stringify(view)}`);
      await sleep(50);
    }
  }

  get(path: string): Promise<Response> {
    return fetch(`${this.address}${path}`);
  }

  post(path: string): Promise<Response> {
    return fetch(`${this.address}${path}`, { method: "POST" });
  }
}
