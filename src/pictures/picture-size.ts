export interface Size {
  width: number;
  height: number;
}

/** Below this a picture has too little to look at: VGG-19 halves it four times. */
export const SHORTEST_EDGE = 16;
/** A style's shorter edge is kept above this where its file has the pixels. */
const SHORTEST_STYLE_EDGE = 32;

function scaled({ width, height }: Size, factor: number): Size {
  return {
    width: Math.max(1, Math.round(width * factor)),
    height: Math.max(1, Math.round(height * factor)),
  };
}

/**
 * The size at which a content is painted: the longest edge is exactly `longestEdge`, enlarged where the
 * file is smaller, and the aspect ratio is the file's to the nearest pixel. The shorter edge gets as short
 * as that makes it; `fitsContent` says beforehand whether that is too short.
 */
export function contentSize(picture: Size, longestEdge: number): Size {
  return scaled(picture, longestEdge / Math.max(picture.width, picture.height));
}

/** Whether the content's shorter edge is long enough at this longest edge. */
export function fitsContent(picture: Size, longestEdge: number): boolean {
  const { width, height } = contentSize(picture, longestEdge);
  return Math.min(width, height) >= SHORTEST_EDGE;
}

/** The smallest longest edge at which the content's shorter edge is long enough. */
export function smallestContentEdge(picture: Size): number {
  const ratio = Math.max(picture.width, picture.height) / Math.min(picture.width, picture.height);
  let edge = Math.max(1, Math.floor((SHORTEST_EDGE - 0.5) * ratio) - 1);
  while (!fitsContent(picture, edge)) edge += 1;
  return edge;
}

/**
 * The size at which a style is looked at: the longest edge is at most `longestEdge` and the file's own, the
 * aspect ratio kept. Where that would leave less than 32 px for the shorter edge, the longest may be longer,
 * up to the file's own, so that a long strip of texture still shows its texture.
 */
export function styleSize(picture: Size, longestEdge: number): Size {
  const longest = longestEdge / Math.max(picture.width, picture.height);
  const shortest = SHORTEST_STYLE_EDGE / Math.min(picture.width, picture.height);
  return scaled(picture, Math.min(1, Math.max(longest, shortest)));
}
