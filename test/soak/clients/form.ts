import { jpeg } from "../../support/pictures.ts";
import { file } from "../../support/submission-form.ts";
import { upTo } from "../chance.ts";

const SHORTEST = 8;
/** Steps of a job of some seconds at most. */
export const someSteps = () => SHORTEST + upTo(80);

export interface Wish {
  contents: number;
  styles: number;
  options: object;
  webhook: object | undefined;
}

/** Makes the same form as often as it is sent. */
export async function formOf({ contents, styles, options, webhook }: Wish): Promise<() => FormData> {
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
