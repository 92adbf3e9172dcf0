import { jpeg } from "../../support/pictures.ts";
import { file } from "../../support/submission-form.ts";
import { randomBelow } from "../random.ts";

const SHORTEST = 8;
/** Few enough steps for a job of some seconds. */
export const randomSteps = () => SHORTEST + randomBelow(80);

interface FormOptions {
  contents: number;
  styles: number;
  options: object;
  webhook: object | undefined;
}

/** Draws the pictures once; each call of the result builds the same form. */
export async function formFactory({
  contents,
  styles,
  options,
  webhook,
}: FormOptions): Promise<() => FormData> {
  const pictures = (count: number, first: number) =>
    Promise.all(
      Array.from({ length: count }, (_, index) => jpeg({ width: 40, height: 32, seed: first + index })),
    );
  const [content, style] = await Promise.all([pictures(contents, 1), pictures(styles, 11)]);
  return () => {
    const form = new FormData();
    for (const bytes of content) form.append("content", file(bytes));
    for (const bytes of style) form.append("style", file(bytes));
    form.append("options", JSON.stringify({ preset: "draft", size: 40, ...options }));
    if (webhook) form.append("webhook", JSON.stringify(webhook));
    return form;
  };
}
