import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { v7 } from "uuid";
import { TestService } from "../support/harness/service.ts";

let service: TestService;
beforeAll(async () => {
  service = await TestService.start();
});
afterAll(() => service.stop());

describe("The API", () => {
  it("responds with 404 for an unknown path", async () => {
    const response = await service.fetch("/v2/jobs");
    expect(response.status).toBe(404);
    expect(response.headers.get("content-type")).toBe("application/problem+json");
    expect(await response.json()).toMatchObject({ code: "unknown_route", instance: "/v2/jobs" });
  });

  it("responds with 405 and the allowed methods for an unsupported method", async () => {
    const response = await service.fetch("/v1/jobs", { method: "PUT" });
    expect(response.status).toBe(405);
    expect(response.headers.get("allow")).toBe("GET, HEAD, POST");
    expect(await response.json()).toMatchObject({ code: "method_not_allowed" });
    const one = await service.fetch(`/v1/jobs/${v7()}`, { method: "POST" });
    expect(one.headers.get("allow")).toBe("DELETE, GET, HEAD, PATCH");
  });

  it("serves its contract as YAML and as JSON", async () => {
    const yaml = await service.fetch("/openapi.yaml");
    expect(await yaml.text()).toMatch(/^openapi: 3\.1/);
    const json = await service.fetch("/openapi.json");
    expect(json.headers.get("content-type")).toMatch(/^application\/json/);
    expect(await json.json()).toMatchObject({
      openapi: expect.stringMatching(/^3\.1/),
      info: { title: "nst" },
    });
  });

  it("responds with 400 for a path that is not a valid URL", async () => {
    const response = await service.fetch("/v1/jobs/%zz");
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ code: "invalid_request" });
  });

  it("responds with a problem to data that is not HTTP", async () => {
    const socket = connect(service.port, "127.0.0.1");
    socket.write("HELLO\r\n\r\n");
    const answer = await text(socket);
    expect(answer).toMatch(/^HTTP\/1.1 400 /);
    expect(answer).toContain('"code":"invalid_request"');
  });
});
