import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "@jest/globals";
import { PRESETS, resolveOptions } from "../../../src/contract/presets.ts";
import {
  decodeRecord,
  encodeFields,
  type JobRecord,
  NewerRecordError,
  RECORD_VERSION,
} from "../../../src/queue/records/job-record.ts";
import { isFinal } from "../../../src/queue/records/job-states.ts";
import { ROOT } from "../../../src/root.ts";

const FOLDER = join(ROOT, "test/fixtures/records");

type Stored = Record<string, unknown>;

/** A record as it lies in Redis. */
function hash(stored: Stored): Record<string, string> {
  const flat = encodeFields(stored as Partial<JobRecord>);
  return Object.fromEntries(
    Array.from({ length: flat.length / 2 }, (_, index) => [flat[2 * index], flat[2 * index + 1]]),
  );
}

let fixtures: { name: string; stored: Stored }[];
beforeAll(async () => {
  const names = (await readdir(FOLDER)).sort();
  fixtures = await Promise.all(
    names.map(async (name) => ({ name, stored: JSON.parse(await readFile(join(FOLDER, name), "utf8")) })),
  );
});

describe("A record that an earlier version wrote", () => {
  it("is there of every state", () => {
    const states = fixtures.map(({ stored }) => `${stored.version} ${stored.status}`);
    for (const state of ["queued", "running", "succeeded", "failed", "canceled"]) {
      expect(states).toContain(`1 ${state}`);
    }
  });

  it("is read, with all that it says", () => {
    for (const { name, stored } of fixtures) {
      const record = decodeRecord(hash(stored));
      if (!record) throw new Error(`${name} is not a record`);
      const { options, engine: _, ...rest } = stored;
      expect(record).toMatchObject(rest);
      expect(record.options).toMatchObject(options as object);
      expect(isFinal(record.status)).toBe(stored.finished_at !== undefined);
    }
  });

  it("has what options were added since as they change nothing", () => {
    for (const { stored } of fixtures) {
      const { options } = decodeRecord(hash(stored)) as JobRecord;
      const names = Object.keys(resolveOptions({}, 1, 512)).sort();
      expect(Object.keys(options).sort()).toEqual(names);
      const preset = PRESETS[(stored.options as { preset: keyof typeof PRESETS }).preset];
      const before = { ...preset, style_windows: 1 }; // the whole picture at once was the only way
      const added = Object.keys(preset).filter((name) => !(name in (stored.options as object)));
      for (const name of added) {
        expect(options[name as keyof typeof preset]).toEqual(before[name as keyof typeof preset]);
      }
    }
  });
});

describe("A record without an option that presets have changed since", () => {
  it("is painted from the content, as it was before pictures began recoloured", () => {
    const [first] = fixtures;
    const { init: _, ...options } = (first?.stored.options ?? {}) as Stored;
    for (const preset of ["draft", "balanced", "fine", "classic"]) {
      for (const version of [1, 2]) {
        const record = decodeRecord(hash({ ...first?.stored, version, options: { ...options, preset } }));
        expect(record?.options.init).toBe("content");
      }
    }
  });

  it("starts recoloured where it says so", () => {
    const [first] = fixtures;
    const options = { ...(first?.stored.options as Stored), init: "recolored" };
    expect(decodeRecord(hash({ ...first?.stored, options }))?.options.init).toBe("recolored");
  });
});

describe("A record that a later version wrote", () => {
  const later = (more: Stored, options: Stored = {}): Record<string, string> => {
    const [first] = fixtures;
    const old = first?.stored.options as Stored;
    return hash({
      ...first?.stored,
      version: RECORD_VERSION + 1,
      options: { ...old, ...options },
      ...more,
    });
  };

  it("is read where it only says more", () => {
    const engine = { device: "tpu" };
    const record = decodeRecord(later({ mood: "blue", engine }, { sparkle: 0.5 }));
    expect(record).toMatchObject({ version: RECORD_VERSION + 1, engine: null });
    expect(record?.options).not.toHaveProperty("sparkle");
    expect(record?.options.preset).toBe(fixtures[0] && (fixtures[0].stored.options as Stored).preset);
  });

  it("is read where its worker failed in a way that this version does not know", () => {
    const error = { code: "out_of_paint", message: "Expected paint, received none" };
    expect(decodeRecord(later({ error }))?.error).toEqual({ ...error, code: "engine_failed" });
  });

  it("is refused by name where it cannot be understood", () => {
    expect(() => decodeRecord(later({ status: "dreaming" }))).toThrow(NewerRecordError);
    expect(() => decodeRecord(hash({ ...fixtures[0]?.stored, status: "dreaming" }))).not.toThrow(
      NewerRecordError,
    );
    expect(() => decodeRecord(hash({ ...fixtures[0]?.stored, status: "dreaming" }))).toThrow();
  });
});
