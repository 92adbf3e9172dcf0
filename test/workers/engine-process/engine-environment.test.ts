import { describe, expect, it } from "@jest/globals";
import { engineEnvironment } from "../../../workers/engine-process/engine-environment.ts";

describe("The engine's environment", () => {
  it("has nothing of Redis, the store or any secret, and what TensorFlow needs", () => {
    const secrets = {
      REDIS_URL: "redis://:password@redis",
      S3_SECRET_ACCESS_KEY: "secret",
      AWS_SESSION_TOKEN: "secret",
      NODE_OPTIONS: "--require /tmp/evil.js",
      LD_PRELOAD: "/tmp/evil.so",
      NPM_TOKEN: "secret",
      WEBHOOK_SECRET: "secret",
    };
    const needed = { PATH: "/usr/bin", HOME: "/root", CUDA_VISIBLE_DEVICES: "1", TF_CPP_MIN_LOG_LEVEL: "0" };
    const given = engineEnvironment({ ...secrets, ...needed });
    expect(given).toMatchObject(needed);
    for (const name of Object.keys(secrets)) expect(given).not.toHaveProperty(name);
    expect(Object.values(given).join()).not.toContain("secret");
  });
});
