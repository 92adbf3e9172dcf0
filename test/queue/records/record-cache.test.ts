import { describe, expect, it } from "@jest/globals";
import type { JobRecord } from "../../../src/queue/records/job-record.ts";
import { newRecord } from "../../../src/queue/records/new-record.ts";
import { RecordCache } from "../../../src/queue/records/record-cache.ts";
import { submission } from "../../support/jobs.ts";

const record = (): JobRecord => newRecord(submission());

describe("Records that are kept at hand", () => {
  it("are given as long as their revision is the one that is asked for", () => {
    const cache = new RecordCache(2);
    const one = record();
    cache.put(one);
    expect(cache.get(one.id, 1)).toBe(one);
    expect(cache.get(one.id, 2)).toBeNull();
    const changed = { ...one, revision: 2 };
    cache.put(changed);
    expect(cache.get(one.id, 2)).toBe(changed);
    expect(cache.get(one.id, 1)).toBeNull();
  });

  it("are those that were used last, so many and no more", () => {
    const cache = new RecordCache(2);
    const [first, second, third] = [record(), record(), record()];
    cache.put(first);
    cache.put(second);
    cache.get(first.id, 1);
    cache.put(third);
    expect(cache.get(second.id, 1)).toBeNull();
    expect(cache.get(first.id, 1)).toBe(first);
    expect(cache.get(third.id, 1)).toBe(third);
  });
});
