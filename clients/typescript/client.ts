import createClient, { type Client } from "openapi-fetch";
import { encodeBody } from "./body.ts";
import type { paths } from "./schema.ts";

/** Every call of the contract, typed from openapi.yaml: `client.GET("/v1/jobs/{id}", { params: { path: { id } } })`. */
export type ApiClient = Client<paths>;

export interface ClientSettings {
  /** Headers that go with every request, for example `Authorization`. */
  headers?: Record<string, string>;
  /** In place of the platform's own. */
  fetch?: (request: Request) => Promise<Response>;
}

/**
 * A client of the service at `url`. A body with pictures as `Blob`s goes as a form, others go as JSON. Works in
 * Node and in browsers.
 */
export function createApiClient(url: string, settings: ClientSettings = {}): ApiClient {
  return createClient<paths>({ baseUrl: url, bodySerializer: encodeBody, ...settings });
}
