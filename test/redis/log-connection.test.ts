import { describe, expect, it } from "@jest/globals";
import pino from "pino";
import { logQueueErrors } from "../../src/redis/log-connection.ts";

/** What is logged of an error at the default level. */
function logged(error: Error): string {
  let lines = "";
  const logger = pino({ level: "info" }, { write: (line: string) => (lines += line) });
  logQueueErrors(logger, "queue")(error);
  return lines;
}

describe("An error that BullMQ reports", () => {
  it.each([
    "Missing lock for job 01a212af. moveToFinished",
    "could not renew lock for job 01a212af",
    "Lock mismatch for job 01a212af. Cmd moveToFinished from active",
    "connect ECONNREFUSED 127.0.0.1:6379",
  ])("is not logged if an outage caused it: %s", (message) => {
    expect(logged(new Error(message))).toBe("");
  });

  it("is logged with its stack otherwise", () => {
    expect(JSON.parse(logged(new Error("Job 01a212af is not in the active state")))).toMatchObject({
      level: 50,
      msg: "queue",
      err: {
        message: "Job 01a212af is not in the active state",
        stack: expect.stringContaining("log-connection.test"),
      },
    });
  });
});
