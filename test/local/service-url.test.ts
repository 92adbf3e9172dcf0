import { expect, it } from "@jest/globals";
import { serviceUrl } from "../../local/service-url.ts";

it.each([
  ["127.0.0.1", "http://localhost:3000"],
  ["0.0.0.0", "http://localhost:3000"],
  ["::", "http://localhost:3000"],
  ["::1", "http://[::1]:3000"],
  ["nst.internal", "http://nst.internal:3000"],
])("A service that listens at %s is at %s", (host, url) => {
  expect(serviceUrl(host, 3000)).toBe(url);
  expect(new URL(url).port).toBe("3000");
});
