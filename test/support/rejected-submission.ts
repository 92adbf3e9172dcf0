import { expect } from "@jest/globals";
import { PROBLEMS, type Problem, type ProblemCode, problemSchema } from "../../src/contract/problems.ts";
import type { TestService } from "./harness/service.ts";

/** Submits an invalid job. Expects a well-formed problem with this code, and that nothing is stored. */
export async function expectRejected(
  service: TestService,
  body: FormData | string,
  code: ProblemCode,
  headers: Record<string, string> = {},
): Promise<Problem> {
  const before = await service.storedKeys();
  const response = await service.fetch("/v1/jobs", { method: "POST", body, headers });
  const problem = problemSchema.parse(await response.json());
  expect(problem).toMatchObject({ code, status: PROBLEMS[code].status, retryable: PROBLEMS[code].retryable });
  expect(response.status).toBe(problem.status);
  expect(response.headers.get("content-type")).toBe("application/problem+json");
  expect(problem.instance).toBe("/v1/jobs");
  expect(problem.request_id).toBe(response.headers.get("x-request-id"));
  expect(await service.storedKeys()).toEqual(before);
  expect(await service.spooled()).toEqual([]);
  return problem;
}
