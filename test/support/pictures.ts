import { type Sharp, default as sharp } from "sharp";

interface Drawing {
  width?: number;
  height?: number;
  /** Channels of the noise: 1 grey, 3 colour, 4 with transparency. */
  channels?: 1 | 3 | 4;
  seed?: number;
}

/** A picture of smooth colours with seeded noise, which compresses like a photo. */
export function draw({ width = 64, height = 48, channels = 3, seed = 1 }: Drawing = {}): Sharp {
  const data = new Uint8Array(width * height * channels);
  let state = seed >>> 0 || 1;
  for (let index = 0; index < data.length; index += 1) {
    // xorshift32 (Marsaglia 2003).
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    const pixel = Math.floor(index / channels);
    const ramp = ((pixel % width) / width) * 120 + (Math.floor(pixel / width) / height) * 80;
    data[index] = ramp + ((state >>> 0) % 48);
  }
  return sharp(data, { raw: { width, height, channels } });
}

/** A picture of one colour. */
export function plain(width: number, height: number, background: string): Sharp {
  return sharp({ create: { width, height, channels: 3, background } });
}

export const jpeg = (drawing?: Drawing): Promise<Buffer> => draw(drawing).jpeg().toBuffer();
export const png = (drawing?: Drawing): Promise<Buffer> => draw(drawing).png().toBuffer();
