import createClient, { type Client } from "openapi-fetch";
import { encodeBody } from "./encode-body.ts";
import type { paths } from "./schema.ts";

/** All operations of openapi.yaml, typed: `api.GET("/v1/jobs/{id}", { params: { path: { id } } })`. */
export type ApiClient = Client<paths>;

export interface ApiClientSettings {
  /** Headers to send with every request. */
  headers?: Record<string, string>;
  /** Replaces the platform's `fetch`. */
  fetch?: (request: Request) => Promise<Response>;
}

/** Creates a client for the service at `url`. It sends a body with `Blob`s as a form, and any other body as JSON. */
export function createApiClient(url: string, settings: ApiClientSettings = {}): ApiClient {
  return createClient<paths>({ baseUrl: url, bodySerializer: encodeBody, ...settings });
}
