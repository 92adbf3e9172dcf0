import type { Raster } from "../../src/pictures/raster.ts";

/** A content picture: a gradient from one corner, a disc in the middle, a little grain. */
export function discRaster(width: number, height: number): Raster {
  return rasterOf(width, height, (x, y, channel) => {
    const isInside = Math.hypot(x / width - 0.5, y / height - 0.5) < 0.3;
    const grain = (x * 7 + y * 13 + channel * 5) % 11;
    return 40 + (80 * x) / width + (40 * y) / height + (isInside ? 60 - 40 * channel : 0) + grain;
  });
}

/** A style picture: slanting stripes of two colours. */
export function stripesRaster(width: number, height: number, period = 8): Raster {
  return rasterOf(width, height, (x, y, channel) =>
    (x + 2 * y) % period < period / 2 ? 220 - 60 * channel : 30 + 50 * channel,
  );
}

function rasterOf(
  width: number,
  height: number,
  value: (x: number, y: number, channel: number) => number,
): Raster {
  const data = new Uint8Array(width * height * 3);
  for (let index = 0; index < data.length; index += 1) {
    const pixel = Math.floor(index / 3);
    data[index] = value(pixel % width, Math.floor(pixel / width), index % 3);
  }
  return { width, height, data };
}
