import { expect, it } from "@jest/globals";
import { soak } from "../soak/soak.ts";

it("A short soak loses nothing, makes nothing twice and leaves nothing behind", async () => {
  const ledger = await soak({
    ...{ jobs: 18, clients: 3, workers: 2, pauseMs: 2_000, faultMs: 1_000, patienceMs: 60_000 },
    log: () => undefined,
  });
  expect(ledger.accepted).toBeGreaterThanOrEqual(18);
  const debts = { lost: 0, duplicated: 0, brokenBatches: 0, unsteered: 0, untold: 0, strange: 0 };
  expect(ledger.debts).toEqual({ ...debts, orphans: 0, leaks: 0 });
  expect(ledger.succeeded + ledger.failed + ledger.canceled).toBe(ledger.accepted);
  expect(ledger.succeeded).toBeGreaterThan(0);
  expect(ledger.kinds.batched).toBeGreaterThan(0);
  expect(ledger.messages).toBeGreaterThan(0);
}, 180_000);
