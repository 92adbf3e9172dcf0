import { afterAll, afterEach, beforeAll, describe, expect, it } from "@jest/globals";
import { addressOf } from "../e2e/client.ts";
import { expectNothingLeftOver } from "../support/outcome.ts";
import { pixelsOf } from "../support/pixels.ts";
import { SettableClock } from "../support/settable-clock.ts";
import { form } from "../support/submission-form.ts";
import { WorkerSetting } from "../support/worker-setting.ts";

const HOUR = 3600_000;
const LONG = { size: 128, steps: 150, scales: 1, optimizer: "lbfgs" } as const;
// Elsewhere a program's clock cannot be set from outside in this way.
const describeOnLinux = process.platform === "linux" ? describe : describe.skip;

describeOnLinux("Clocks that are set", () => {
  let clock: SettableClock;
  let setting: WorkerSetting;
  let undisturbed: string;

  beforeAll(async () => {
    clock = await SettableClock.create();
    // The programs of the setting, redis-server too, get this environment.
    Object.assign(process.env, clock.environment);
    setting = await WorkerSetting.create();
    const worker = await setting.startWorker();
    const record = await setting.untilEnded((await setting.submit(LONG)).id);
    undisturbed = await pixelsOf(setting, record);
    await worker.end();
  });
  afterEach(async () => {
    await setting.stopPrograms();
    clock.set(0);
  });
  afterAll(async () => {
    for (const name of Object.keys(clock.environment)) delete process.env[name];
    await setting.close();
    await clock.remove();
  });

  describe("When every clock is set while jobs run and wait", () => {
    it.each([
      ["an hour ahead", HOUR],
      ["an hour back", -HOUR],
    ])("%s: each ends once and well", async (_, ms) => {
      await setting.startWorker({ LOCK_SECONDS: "2" });
      await setting.startWorker({ LOCK_SECONDS: "2" });
      const running = await setting.submit(LONG);
      const waiting = [await setting.submit(), await setting.submit()];
      await setting.until(running.id, ({ checkpoint }) => checkpoint !== null);
      clock.set(ms);
      const record = await setting.untilEnded(running.id);
      expect(record).toMatchObject({ status: "succeeded", error: null });
      expect(await pixelsOf(setting, record)).toBe(undisturbed);
      await expectNothingLeftOver(setting, record);
      for (const { id } of waiting) {
        expect(await setting.untilEnded(id)).toMatchObject({ status: "succeeded", error: null });
      }
      clock.set(0);
      expect(await setting.queue.find(running.id)).toEqual(record);
    });

    it("back by an hour, and a worker dies after that: another takes its job within seconds, not an hour", async () => {
      const first = await setting.startWorker({ LOCK_SECONDS: "2" });
      const { id } = await setting.submit({ ...LONG, steps: 20_000 });
      await setting.until(id, ({ checkpoint }) => checkpoint !== null);
      const second = await setting.startWorker({ LOCK_SECONDS: "2" });
      clock.set(-HOUR);
      await first.end("SIGKILL");
      const record = await setting.until(id, ({ attempts }) => attempts === 2);
      expect(record.worker).toContain(`-${second.pid}-`);
      await setting.queue.cancel(id);
    });
  });

  /** Sets the clock of the programs that are started from now on, but not Redis'. */
  const setAllButRedis = async (ms: number) => {
    clock.set(ms);
    await setting.redis.kill();
    const preload = process.env.LD_PRELOAD;
    delete process.env.LD_PRELOAD;
    await setting.redis.start();
    process.env.LD_PRELOAD = preload;
  };

  it("An API whose clock is an hour behind gives a job all of its time", async () => {
    await setAllButRedis(-HOUR);
    const api = setting.run("src/main.js", { PORT: "0" });
    const body = await form({ expires_in: "600" });
    const answer = await fetch(`${await addressOf(api)}/v1/jobs`, { method: "POST", body });
    const { id, expires_at } = (await answer.json()) as { id: string; expires_at: string };
    expect(Date.parse(expires_at) - (await setting.queue.upkeep.now())).toBeGreaterThan(540_000);
    expect(await setting.queue.upkeep.due(await setting.queue.upkeep.now())).toEqual({
      expired: [],
      forgotten: [],
    });
    await api.end();
    await setting.queue.cancel(id);
  });

  it("An API whose clock is a month ahead deletes nothing that the others still keep", async () => {
    const { id } = await setting.submit();
    await setting.startWorker();
    const ended = await setting.untilEnded(id);
    await expectNothingLeftOver(setting, ended); // a worker that is killed before it has cleaned up leaves that to the sweep
    await setting.stopPrograms();
    await setAllButRedis(30 * 24 * HOUR);
    const api = setting.run("src/main.js", { PORT: "0" });
    const address = await addressOf(api);
    const answer = await fetch(`${address}/v1/jobs`, { method: "POST", body: await form() });
    expect(answer.status).toBe(202);
    await api.end();
    expect(await setting.queue.find(id)).toEqual(ended);
    await expectNothingLeftOver(setting, ended);
  });
});
