import { afterAll, afterEach, beforeAll, expect, it } from "@jest/globals";
import type { Browser, Page } from "playwright-core";
import { PRESETS } from "../../src/contract/presets.ts";
import {
  accessibilityFaults,
  type Chromium,
  findChromium,
  launchBrowser,
  openPage,
} from "../support/harness/browser.ts";
import { TestDeployment } from "../support/harness/deployment.ts";
import { jpeg } from "../support/pictures.ts";
import { describeIfPossible } from "../support/requirements.ts";
import { until } from "../support/until.ts";

// The real page in a real browser on the real service: API, Redis, worker and engine are processes of their own.
let deployment: TestDeployment;
let browser: Browser;
let address: string;
let opened: Page[] = [];

async function studio(options: Parameters<typeof openPage>[1] = {}) {
  const { page, errors } = await openPage(browser, options);
  opened.push(page);
  await page.goto(address);
  await page.getByText("How thoroughly").waitFor();
  return { page, errors };
}

// The tests are compiled without the browser's types.
interface Matching {
  matches(selector: string): boolean;
}
const KEPT_STEPS = `new Promise((resolve) => {
  const opening = indexedDB.open("nst-studio", 1);
  opening.onsuccess = () => {
    const reading = opening.result.transaction("draft").objectStore("draft").get("draft");
    reading.onsuccess = () => resolve(reading.result?.options.steps);
  };
})`;
const PHONE = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true };

/** By mouse: the examples, a size and a number of steps that make it quick or slow. */
async function compose(page: Page, { size = "64", steps = "20" } = {}): Promise<void> {
  await page.getByRole("button", { name: "Cat", exact: true }).click();
  await page.getByRole("button", { name: "Sandstone", exact: true }).click();
  await page.getByText("Draft", { exact: true }).click();
  await page.getByText("More options").click();
  await page.getByLabel("Size", { exact: true }).fill(size);
  await page.getByLabel("Steps", { exact: true }).fill(steps);
}
const start = (page: Page) => page.getByRole("button", { name: "Start painting" }).click();
const done = (page: Page) => page.getByRole("button", { name: "Download" }).waitFor();
const endless = { size: "128", steps: "20000" };
const idIn = (page: Page) => page.url().split("/jobs/")[1] ?? "";

/** Moves a weight of the running job with the keyboard. */
async function updateStyleWeight(page: Page): Promise<void> {
  const slider = page.getByRole("slider", { name: "Style weight" });
  await slider.waitFor();
  await slider.focus();
  await page.keyboard.press("End");
  const highest = 32 * PRESETS.draft.style_weight;
  await until(async () => (await deployment.queue.find(idIn(page)))?.options.style_weight === highest);
  await page.getByText(`Style weight ${highest}`, { exact: true }).waitFor();
}

const found = await findChromium();
describeIfPossible("The studio", typeof found === "string" ? found : undefined, () => {
  beforeAll(async () => {
    deployment = await TestDeployment.create();
    // A person at this machine, who needs no key.
    const api = deployment.startApi({ ANONYMOUS_ACCESS: "loopback", HEARTBEAT_SECONDS: "1" });
    const launched = launchBrowser(found as Chromium);
    [{ address }, browser] = await Promise.all([api, launched, deployment.startWorker()]);
  });
  afterEach(async () => {
    await Promise.all(opened.map((page) => page.context().close()));
    opened = [];
  });
  afterAll(async () => {
    await browser?.close();
    await deployment?.close();
  });

  it("takes a whole job by mouse, and its result on to the next", async () => {
    const { page, errors } = await studio();
    expect(await accessibilityFaults(page)).toEqual([]);
    const presets = page.getByRole("group", { name: "How thoroughly" }).locator("strong");
    await presets.first().waitFor();
    expect(await presets.allTextContents()).toEqual(["Draft", "Balanced", "Fine", "Classic"]);
    await compose(page);
    expect(await accessibilityFaults(page)).toEqual([]);
    await page.getByText("2 changed").waitFor();
    await start(page);
    await done(page);

    const record = await deployment.queue.find(idIn(page));
    expect(record?.options).toMatchObject({ preset: "draft", size: 64, steps: 20 });
    expect(await page.getByRole("heading", { level: 1 }).textContent()).toContain("Cat");
    expect(await page.getByRole("img", { name: /The loss fell from/ }).isVisible()).toBe(true);
    const slider = page.getByRole("slider", { name: /picture before/ });
    await slider.focus();
    await page.keyboard.press("ArrowRight");
    expect(await slider.inputValue()).toBe("51");
    expect(await accessibilityFaults(page)).toEqual([]);

    const download = page.waitForEvent("download");
    await page.getByRole("button", { name: "Download" }).click();
    expect((await download).suggestedFilename()).toBe("cat-in-sandstone.png");

    const first = idIn(page);
    await page.getByLabel("Paint on").selectOption({ label: "half as large again (96 px)" });
    await page.getByRole("button", { name: "Go on" }).click();
    await page.getByText("96 px").first().waitFor();
    await done(page);
    expect(await deployment.queue.find(idIn(page))).toMatchObject({
      continued_from: first,
      options: { size: 96, steps: 5 },
    });

    await page.getByRole("button", { name: "Try again with other options" }).click();
    await page.getByRole("img", { name: "sandstone" }).waitFor();
    expect(await page.getByRole("radio", { name: /Draft/ }).isChecked()).toBe(true);
    expect(await page.getByRole("button", { name: "Start painting" }).isEnabled()).toBe(true);
    const earlier = page.getByRole("region", { name: "Earlier" }).getByRole("link");
    await earlier.first().click();
    await page.getByRole("button", { name: "Use as the next content" }).click();
    await page.getByRole("img", { name: "cat in sandstone" }).waitFor();
    expect(errors).toEqual([]);
  });

  it("takes a whole job by keyboard, on a phone, in the dark", async () => {
    const { page, errors } = await studio({ ...PHONE, colorScheme: "dark" });
    const press = async (role: "button" | "radio" | "spinbutton", name: string | RegExp, key?: string) => {
      const control = page.getByRole(role, { name, exact: typeof name === "string" });
      for (
        let tabs = 0;
        !(await control.evaluate((element: Matching) => element.matches(":focus")));
        tabs++
      ) {
        if (tabs > 80) throw new Error(`Tab does not lead to ${name}`);
        await page.keyboard.press("Tab");
      }
      if (key) await page.keyboard.press(key);
    };
    await press("button", "Cat", "Enter");
    await page.getByRole("img", { name: "cat" }).waitFor();
    await press("button", "Sandstone", "Space");
    await page.getByRole("img", { name: "sandstone" }).waitFor();
    await press("radio", /Balanced/, "ArrowLeft");
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await press("spinbutton", "Size");
    await page.keyboard.type("64");
    await press("spinbutton", "Steps");
    await page.keyboard.type("12");
    await press("button", "Start painting", "Enter");
    await done(page);
    expect((await deployment.queue.find(idIn(page)))?.options).toMatchObject({ preset: "draft", steps: 12 });
    await page.getByRole("status").filter({ hasText: "The painting is done" }).waitFor();
    expect(await accessibilityFaults(page)).toEqual([]);
    const overflow = await page.evaluate<number>("document.documentElement.scrollWidth - innerWidth");
    expect(overflow).toBeLessThanOrEqual(0);
    expect(errors).toEqual([]);
  });

  it("says why an upload is rejected, and what to do; the pictures stay", async () => {
    const { page, errors } = await studio();
    const file = { name: "notes.jpg", mimeType: "image/jpeg", buffer: Buffer.from("not a picture at all") };
    await page.locator("#well-content").setInputFiles(file);
    const style = { name: "reed.jpg", mimeType: "image/jpeg", buffer: await jpeg() };
    await page.locator("#well-style").setInputFiles(style);
    await start(page);
    const alert = page.getByRole("alert");
    await alert.waitFor();
    expect(await alert.textContent()).toContain("Choose a JPEG, PNG, WebP or AVIF picture");
    await page.getByRole("img", { name: "reed" }).waitFor();
    expect(await accessibilityFaults(page)).toEqual([]);
    expect(errors).toEqual([]);
  });

  it("cancels a running job", async () => {
    const { page, errors } = await studio();
    await compose(page, endless);
    await start(page);
    await page.getByText(/of 20000/).waitFor();
    await updateStyleWeight(page);
    await page.getByRole("button", { name: "Cancel" }).click();
    await page.getByText("Nothing more is painted.").waitFor();
    expect((await deployment.queue.find(idIn(page)))?.status).toBe("canceled");
    expect(await accessibilityFaults(page)).toEqual([]);
    expect(errors).toEqual([]);
  });

  it("survives a reload and a lost connection in the middle of a job", async () => {
    const { page, errors } = await studio();
    await compose(page, endless);
    await start(page);
    await page.getByText(/of 20000/).waitFor();
    const id = idIn(page);
    await page.reload();
    await page.getByRole("img", { name: /as far as it is painted/ }).waitFor();
    expect(await accessibilityFaults(page)).toEqual([]);
    const stepNow = async () => Number.parseInt((await page.getByText(/of 20000/).textContent()) ?? "", 10);

    await page.context().setOffline(true);
    // What is open is not cut by that: the API's end does it.
    const api = deployment.programs[0];
    await api?.end();
    await page.getByText("The connection is lost").waitFor();
    const before = await stepNow();
    const port = new URL(address).port;
    await deployment.startApi({ ANONYMOUS_ACCESS: "loopback", PORT: port, HEARTBEAT_SECONDS: "1" });
    await page.context().setOffline(false);
    await page.getByText("The connection is lost").waitFor({ state: "hidden" });
    await until(async () => (await stepNow()) > before);

    await page.goto(`${address}/#/`);
    await page.goto(`${address}/#/jobs/${id}`);
    await page.getByRole("button", { name: "Cancel" }).click();
    await page.getByText("Nothing more is painted.").waitFor();
    expect(errors).toEqual([]);
  });

  it("keeps what was chosen over a reload, and loads nothing from elsewhere", async () => {
    const { page } = await openPage(browser);
    opened.push(page);
    const asked: string[] = [];
    page.on("request", (request) => asked.push(request.url()));
    await page.goto(address);
    await compose(page);
    await until(async () => (await page.evaluate(KEPT_STEPS)) === 20);
    await page.reload();
    await page.getByRole("img", { name: "sandstone" }).waitFor();
    await page.getByText("2 changed").waitFor();
    const elsewhere = asked.filter((url) => !url.startsWith(address) && !/^(blob|data):/.test(url));
    expect(elsewhere).toEqual([]);
  });
});
