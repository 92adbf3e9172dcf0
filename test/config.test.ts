import { describe, expect, it } from "@jest/globals";
import { ConfigError, readConfig } from "../src/config.ts";
import { ROOT } from "../src/root.ts";

describe("readConfig", () => {
  it("has a default for every variable", () => {
    expect(readConfig({})).toMatchObject({
      environment: "development",
      host: "127.0.0.1",
      port: 3000,
      redisUrl: "redis://127.0.0.1:6379",
      dataDirectory: `${ROOT}/data`,
      spoolDirectory: `${ROOT}/data/spool`,
      vgg19Weights: null,
    });
  });

  it("treats empty variables as unset", () => {
    expect(readConfig({ PORT: "", REDIS_URL: "" })).toEqual(readConfig({}));
  });

  it("reads the variables that are set", () => {
    const config = readConfig({
      PORT: "0",
      MAX_STYLES: "7",
      DATA_DIR: "/srv/nst",
      REDIS_URL: "unix:///run/redis",
    });
    expect(config).toMatchObject({ port: 0, dataDirectory: "/srv/nst", redisUrl: "unix:///run/redis" });
    expect(config.limits.styles).toBe(7);
  });

  it("names every wrong variable with what it expected and received", () => {
    const read = () =>
      readConfig({
        PORT: "http",
        MAX_STYLES: "0",
        LOG_LEVEL: "loud",
        REDIS_URL: "localhost",
        MAX_STEPS: "1.5",
      });
    expect(read).toThrow(ConfigError);
    expect(read).toThrow(/PORT: expected a whole number from 0 to 65535, received "http"/);
    expect(read).toThrow(/MAX_STYLES: expected a whole number from 1 to 16, received "0"/);
    expect(read).toThrow(/LOG_LEVEL: expected one of fatal, error, .*, received "loud"/);
    expect(read).toThrow(/REDIS_URL: expected redis:\/\/host:port, .*, received "localhost"/);
    expect(read).toThrow(/MAX_STEPS: expected a whole number .* received "1.5"/);
  });
});

describe("REDIS_URL", () => {
  it.each([
    "redis://h",
    "redis://ops:hunter2@redis.internal:6379/2",
    "redis://[::1]:6379",
    "rediss://u:p@h:1/2",
    "redis+cluster://:hunter2@one:6379,two:6380",
    "unix:///run/redis",
    "unix://:hunter2@/run/redis",
    "/run/redis",
    "/run/100%/redis",
    "redis://:100%25@h",
  ])("may be %s", (url) => {
    expect(readConfig({ REDIS_URL: url }).redisUrl).toBe(url);
  });

  it.each(["redis://", "redis://h:port", "redis+cluster://a:1,", "unix://u:p@/run/redis"])(
    "may not be %s",
    (url) => {
      expect(() => readConfig({ REDIS_URL: url })).toThrow("REDIS_URL: expected");
    },
  );

  it("is rejected with the reason if its password cannot be decoded", () => {
    for (const url of ["redis://:open-sesame%zz@h:1", "redis+cluster://u:open-sesame%@a:1,b:2"]) {
      const read = () => readConfig({ REDIS_URL: url });
      expect(read).toThrow("REDIS_URL: expected % in its user and password only before two hex digits");
      expect(read).not.toThrow("open-sesame");
    }
  });

  it("shows no password in an error", () => {
    const wrong = [
      { REDIS_URL: "redsi://:hunter2@redis.internal:6379" },
      { REDIS_URL: ":hunter2@redis.internal:6379" },
      { REDIS_URL: "redsi://redis.internal:6379?password=hunter2" },
      { REDIS_URL: "redis://:hunter2@redis.internal:99999" },
      { REDIS_URL: "redis://:hunter2/more@redis.internal:6379" },
      { REDIS_URL: "redis+cluster://ops:hunter2@one:6379,two:port" },
      { S3_ENDPOINT: "s3://key:hunter2@s3.internal" },
    ];
    for (const environment of wrong) {
      const read = () => readConfig(environment);
      expect(read).toThrow(ConfigError);
      expect(read).toThrow(/^((?!hunter2).)*$/s);
      expect(read).toThrow(/: expected .*, received "/);
    }
    expect(() => readConfig({ REDIS_URL: "redis://user:hunter2@h:port" })).toThrow(
      'received "redis://…@h:port"',
    );
  });
});
