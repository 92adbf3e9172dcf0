import { type Options, SIZE_RANGE } from "./options.ts";
import type { FieldError } from "./problems.ts";

/** What options must fit to, beside their own ranges. */
export interface Surroundings {
  /** Styles of the job. */
  styles: number;
  /** Whether a picture to start as came with it. */
  hasInitPicture: boolean;
  /** What the server allows. */
  limits: { size: number; steps: number };
  /** What the client asked for as size, where that is told by the content's. */
  askedSize?: string | undefined;
}

/** What of resolved options does not fit together, field by field; empty where all does. */
export function contradictions(options: Options, surroundings: Surroundings): FieldError[] {
  const { styles, hasInitPicture, limits, askedSize } = surroundings;
  const errors: FieldError[] = [];
  const refuse = (name: string, expected: string, received: unknown) => {
    errors.push({ path: `options.${name}`, expected, received: String(received) });
  };
  if (options.size > limits.size) {
    const asked = askedSize === undefined ? "" : `${askedSize} = `;
    refuse("size", `at most ${limits.size} on this server`, `${asked}${options.size}`);
  } else if (!(options.size >= SIZE_RANGE.minimum)) {
    refuse("size", `at least ${SIZE_RANGE.minimum}`, `${askedSize} = ${options.size}`);
  }
  if (options.steps > limits.steps) refuse("steps", `at most ${limits.steps} on this server`, options.steps);
  const { style_weights, style_scale, output, init } = options;
  if (style_weights.length > 0 && style_weights.length !== styles) {
    refuse("style_weights", `one weight for each of ${styles} styles`, `${style_weights.length} weights`);
  }
  if (typeof style_scale === "object" && style_scale.length !== styles) {
    refuse("style_scale", `one number, or one for each of ${styles} styles`, `${style_scale.length} numbers`);
  }
  if (output.bit_depth === 16 && output.format !== "png") {
    refuse("output.bit_depth", `8 for ${output.format}; png alone has 16`, 16);
  }
  if (init === "picture" && !hasInitPicture) {
    refuse("init", "picture only together with the picture init_picture", "no init_picture");
  }
  if (init !== "picture" && hasInitPicture) {
    refuse("init", "picture, as an init_picture was sent", init);
  }
  return errors;
}
