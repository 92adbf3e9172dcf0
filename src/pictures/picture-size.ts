export interface Size {
  width: number;
  height: number;
}

/** The minimum for each edge of a picture: VGG-19 halves it four times. */
export const SHORTEST_EDGE = 16;
/** The minimum for the shorter edge of a style, if its file is large enough. */
const SHORTEST_STYLE_EDGE = 32;

function scaled({ width, height }: Size, factor: number): Size {
  return {
    width: Math.max(1, Math.round(width * factor)),
    height: Math.max(1, Math.round(height * factor)),
  };
}

/**
 * The size at which a content is painted: its longest edge is exactly `longestEdge`, enlarged if necessary, and its aspect
 * ratio is that of the file. The shorter edge may become too short: see `fitsContent`.
 */
export function contentSize(picture: Size, longestEdge: number): Size {
  return scaled(picture, longestEdge / Math.max(picture.width, picture.height));
}

/** Whether the content's shorter edge is long enough at this size. */
export function fitsContent(picture: Size, longestEdge: number): boolean {
  const { width, height } = contentSize(picture, longestEdge);
  return Math.min(width, height) >= SHORTEST_EDGE;
}

/** The smallest size at which the content's shorter edge is long enough. */
export function smallestContentEdge(picture: Size): number {
  const ratio = Math.max(picture.width, picture.height) / Math.min(picture.width, picture.height);
  let edge = Math.max(1, Math.floor((SHORTEST_EDGE - 0.5) * ratio) - 1);
  while (!fitsContent(picture, edge)) edge += 1;
  return edge;
}

/**
 * The size at which a style is used: its longest edge is at most `longestEdge` and never enlarged; its aspect ratio is
 * kept. A narrow strip may be larger, so that its shorter edge has 32 px and still shows the texture.
 */
export function styleSize(picture: Size, longestEdge: number): Size {
  const longest = longestEdge / Math.max(picture.width, picture.height);
  const shortest = SHORTEST_STYLE_EDGE / Math.min(picture.width, picture.height);
  return scaled(picture, Math.min(1, Math.max(longest, shortest)));
}
