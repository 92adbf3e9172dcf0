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

describe("Routes", () => {
  it("that do not exist are answered as a problem", async () => {
    const response = await service.fetch("/v2/jobs");
    expect(response.status).toBe(404);
    expect(response.headers.get("content-type")).toBe("application/problem+json");
    expect(await response.json()).toMatchObject({ code: "unknown_route", instance: "/v2/jobs" });
  });

  it("name the methods that they know", async () => {
    const response = await service.fetch("/v1/jobs", { method: "PUT" });
    expect(response.status).toBe(405);
    expect(response.headers.get("allow")).toBe("GET, HEAD, POST");
    expect(await response.json()).toMatchObject({ code: "method_not_allowed" });
    const one = await service.fetch(`/v1/jobs/${v7()}`, { method: "POST" });
    expect(one.headers.get("allow")).toBe("DELETE, GET, HEAD, PATCH");
  });

  it("refuse a path that is no URL", async () => {
    const response = await service.fetch("/v1/jobs/%zz");
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ code: "invalid_request" });
  });

  it("answer what is not HTTP with a problem", async () => {
    const socket = connect(service.port, "127.0.0.1");
    socket.write("HELLO\r\n\r\n");
    const answer = await text(socket);
    expect(answer).toMatch(/^HTTP\/1.1 400 /);
    expect(answer).toContain('"code":"invalid_request"');
  });
});
