import type { Redis } from "ioredis";
import type { Limits } from "../config.ts";
import type { QueueKeys } from "../queue/keys.ts";
import { ApiKeyStore } from "./api-key-store.ts";
import { RateLimits } from "./rate-limits.ts";
import { SignedLinks } from "./signed-links.ts";

/** Who may come in, how often, and by which links. */
export interface Access {
  apiKeys: ApiKeyStore;
  links: SignedLinks;
  rates: RateLimits;
}

export function openAccess(
  redis: Redis,
  keys: QueueKeys,
  limits: Pick<Limits, "requestsPerMinute" | "jobsPerMinute">,
): Access {
  return {
    apiKeys: new ApiKeyStore(redis, keys),
    links: new SignedLinks(redis, keys),
    rates: new RateLimits(redis, keys, { requests: limits.requestsPerMinute, jobs: limits.jobsPerMinute }),
  };
}
