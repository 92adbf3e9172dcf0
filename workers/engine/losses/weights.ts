import type { Size } from "../../../src/pictures/picture-size.ts";
import type { LossOptions } from "./loss.ts";

/** The style_weight at which the weights below stand as they are. */
const USUAL_STYLE_WEIGHT = 3;
/** At 64, 128, 256 … px. What holds the composition at 64 px copies the photograph at 512. */
const CONTENT = [3.5, 3.5, 2.8, 2, 1.4, 1, 0.7];
/**
 * What layers of blocks 1 to 3 count of it. At coarse scales they hold eyes and mouths, which block 4 sees as a position or
 * two there; at fine scales they would copy the photograph and its colours.
 */
const SHALLOW_CONTENT = [0.8, 0.5, 0.1, 0];
const GRAM = [1, 1, 2, 2];
/** The power of the style's dial that the content yields with. */
const YIELDING = [0.15, 0.25, 0.5, 0.8];
/** The content's share of the mix that is matched with the style. */
const MIX = 0.6;

export interface Weights {
  /** Of the content, compared at layers of block 4 or 5. */
  content: number;
  /** Of the content, compared at layers of blocks 1 to 3. */
  shallowContent: number;
  /** Of the whole style: neighbours, details, Gram matrices. */
  style: number;
  gram: number;
  /** 0: the painting as it stands, 1: the content. */
  mix: number;
}

/** How the parts of the objective weigh at a size of the picture. */
export function weightsAt({ width, height }: Size, options: LossOptions): Weights {
  const { style_distance, content_weight, style_weight } = options;
  if (style_distance === "gram") {
    const style = style_weight > 0 ? 1 : 0;
    return { content: content_weight, shallowContent: content_weight, style, gram: style_weight, mix: 1 };
  }
  const octave = Math.log2(Math.max(width, height) / 64);
  const dial = Math.min(30, Math.max(0.1, style_weight)) / USUAL_STYLE_WEIGHT;
  const content = content_weight * along(CONTENT, octave) * dial ** -along(YIELDING, octave);
  return {
    content,
    shallowContent: content * along(SHALLOW_CONTENT, octave),
    style: style_weight > 0 ? 1 : 0,
    gram: style_weight > 0 ? along(GRAM, octave) * Math.min(1, dial) ** 0.5 : 0,
    mix: MIX / (MIX + (1 - MIX) * dial ** 0.7),
  };
}

/** A curve's value between its points, and beyond them as at its ends. */
function along(curve: readonly number[], position: number): number {
  const clamped = Math.min(curve.length - 1, Math.max(0, position));
  const [a = 0, b = a] = curve.slice(Math.floor(clamped));
  return a + (b - a) * (clamped - Math.floor(clamped));
}
