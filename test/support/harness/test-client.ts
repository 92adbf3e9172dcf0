import {
  type ApiClient,
  createApiClient,
  type Job,
  type SubmissionOptions,
  unwrap,
} from "../../../clients/typescript/index.ts";
import { fetchByContract } from "../contract.ts";
import { jpeg } from "../pictures.ts";
import { until } from "../until.ts";
import type { ProgramProcess } from "./program.ts";

/** The URL of an API process, as soon as it listens. */
export async function addressOf(api: ProgramProcess): Promise<string> {
  const { msg } = await api.line(({ msg }) => /listening .*http:\/\//i.test(msg));
  return /http:\/\/\S+/.exec(msg)?.[0] ?? "";
}

/** A client of the API that checks each response against openapi.yaml. */
export class TestClient {
  readonly api: ApiClient;

  /** @param apiKey sent with each request; undefined for anonymous requests */
  constructor(
    readonly address: string,
    private readonly apiKey?: string,
  ) {
    this.api = createApiClient(address, { fetch: fetchByContract, headers: this.authorization });
  }

  /** The header that names the key. */
  get authorization(): Record<string, string> {
    return this.apiKey === undefined ? {} : { authorization: `Bearer ${this.apiKey}` };
  }

  async submit(content: Uint8Array, styles: Uint8Array[], options: SubmissionOptions): Promise<Job> {
    const blob = (bytes: Uint8Array) => new Blob([new Uint8Array(bytes)]);
    const body = { content: blob(content), style: styles.map(blob), options };
    return await unwrap(this.api.POST("/v1/jobs", { body }));
  }

  /** Submits a small job. */
  async submitSmall(steps = 10): Promise<Job> {
    return await this.submit(await jpeg(), [await jpeg({ seed: 2 })], { preset: "draft", size: 32, steps });
  }

  async view(id: string): Promise<Job> {
    return await unwrap(this.api.GET("/v1/jobs/{id}", { params: { path: { id } } }));
  }

  /** The different views of the job from now until it has ended. */
  async follow(id: string, ms = 120_000): Promise<Job[]> {
    const views: Job[] = [];
    await until(async () => {
      const view = await this.view(id);
      if (JSON.stringify(view) !== JSON.stringify(views.at(-1))) views.push(view);
      return view.status !== "queued" && view.status !== "running";
    }, ms);
    return views;
  }

  async result(id: string): Promise<Buffer> {
    const blob = await unwrap(
      this.api.GET("/v1/jobs/{id}/result", { params: { path: { id } }, parseAs: "blob" }),
    );
    return Buffer.from(await blob.arrayBuffer());
  }

  /** The response to a GET, checked against openapi.yaml. */
  get(path: string): Promise<Response> {
    return fetchByContract(`${this.address}${path}`, { headers: this.authorization });
  }

  /** A request that need not keep to openapi.yaml. */
  fetch(path: string, init: RequestInit & { headers?: Record<string, string> } = {}): Promise<Response> {
    const headers = { ...this.authorization, ...init.headers };
    return fetch(`${this.address}${path}`, { ...init, headers });
  }
}
