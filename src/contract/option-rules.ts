import { type Options, type RequestOptions, SIZE_RANGE } from "./options.ts";
import type { FieldError } from "./problems.ts";

/** What options are validated against besides their own ranges. */
export interface ValidationContext {
  /** The number of styles of the job. */
  styles: number;
  /** Whether the job has an initial picture. */
  hasInitPicture: boolean;
  /** The server's limits. */
  limits: { size: number; steps: number };
  /** The size as the client requested it. */
  requestedSize?: RequestOptions["size"];
}

/** Checks that resolved options fit the job and each other. Returns an error for each that does not. */
export function validateOptions(options: Options, context: ValidationContext): FieldError[] {
  const { styles, hasInitPicture, limits, requestedSize } = context;
  const { size, steps, style_weights, style_scale, output, init } = options;
  const errors: FieldError[] = [];
  const addError = (name: string, expected: string, received: unknown) => {
    errors.push({ path: `options.${name}`, expected, received: String(received) });
  };
  const receivedSize = typeof requestedSize === "string" ? `${requestedSize} = ${size}` : size;
  if (size > limits.size) addError("size", `at most ${limits.size} on this server`, receivedSize);
  else if (!(size >= SIZE_RANGE.minimum)) addError("size", `at least ${SIZE_RANGE.minimum}`, receivedSize);
  if (steps > limits.steps) addError("steps", `at most ${limits.steps} on this server`, steps);
  if (style_weights.length > 0 && style_weights.length !== styles) {
    addError("style_weights", `one weight for each of ${styles} styles`, `${style_weights.length} weights`);
  }
  if (typeof style_scale === "object" && style_scale.length !== styles) {
    addError(
      "style_scale",
      `one number, or one for each of ${styles} styles`,
      `${style_scale.length} numbers`,
    );
  }
  if (output.bit_depth === 16 && output.format !== "png") {
    addError("output.bit_depth", `8 for ${output.format} (only png supports 16)`, 16);
  }
  if (init === "picture" && !hasInitPicture) {
    addError("init", "picture only together with an init_picture", "no init_picture");
  }
  if (init !== "picture" && hasInitPicture) {
    addError("init", "picture, since there is an init_picture", init);
  }
  return errors;
}
