import { luminance, type Plane, type RgbPicture, scaleBetween } from "./planes.ts";

const WINDOW = 8;
/** Wang et al. 2004, for samples in [0, 1]. */
const C1 = 0.01 ** 2;
const C2 = 0.03 ** 2;

/**
 * How much of the content is left: the mean of luminance SSIM (Wang et al. 2004) and of the correlation of edges.
 *
 * 1 is the content itself, 0 the style picture in its place.
 */
export function contentScore(picture: RgbPicture, content: RgbPicture, style: RgbPicture): number {
  const measure = (one: RgbPicture) => {
    const [a, b] = [luminance(one), luminance(content)];
    return (ssim(a, b) + correlation(edges(a), edges(b))) / 2;
  };
  return scaleBetween(measure(picture), measure(style), 1);
}

/** The mean structural similarity over windows of 8 × 8 that overlap by half. */
function ssim(a: Plane, b: Plane): number {
  let [sum, count] = [0, 0];
  for (let top = 0; top + WINDOW <= a.height; top += WINDOW / 2) {
    for (let left = 0; left + WINDOW <= a.width; left += WINDOW / 2) {
      sum += windowSimilarity(a, b, left, top);
      count += 1;
    }
  }
  return sum / count;
}

function windowSimilarity(a: Plane, b: Plane, left: number, top: number): number {
  const n = WINDOW * WINDOW;
  let [sumA, sumB, squareA, squareB, product] = [0, 0, 0, 0, 0];
  for (let y = top; y < top + WINDOW; y++) {
    for (let x = left; x < left + WINDOW; x++) {
      const [p, q] = [a.data[y * a.width + x] ?? 0, b.data[y * b.width + x] ?? 0];
      sumA += p;
      sumB += q;
      squareA += p * p;
      squareB += q * q;
      product += p * q;
    }
  }
  const [meanA, meanB] = [sumA / n, sumB / n];
  const [varianceA, varianceB] = [squareA / n - meanA * meanA, squareB / n - meanB * meanB];
  const covariance = product / n - meanA * meanB;
  return (
    ((2 * meanA * meanB + C1) * (2 * covariance + C2)) /
    ((meanA * meanA + meanB * meanB + C1) * (varianceA + varianceB + C2))
  );
}

/** The magnitude of the gradient by Sobel's filter. */
function edges({ width, height, data }: Plane): Float64Array {
  const magnitudes = new Float64Array(width * height);
  const at = (x: number, y: number) => data[y * width + x] ?? 0;
  for (let y = 1; y < height - 1; y++) {
    for (let x = 1; x < width - 1; x++) {
      const across =
        at(x + 1, y - 1) +
        2 * at(x + 1, y) +
        at(x + 1, y + 1) -
        at(x - 1, y - 1) -
        2 * at(x - 1, y) -
        at(x - 1, y + 1);
      const down =
        at(x - 1, y + 1) +
        2 * at(x, y + 1) +
        at(x + 1, y + 1) -
        at(x - 1, y - 1) -
        2 * at(x, y - 1) -
        at(x + 1, y - 1);
      magnitudes[y * width + x] = Math.hypot(across, down);
    }
  }
  return magnitudes;
}

/** Pearson's correlation. */
function correlation(a: Float64Array, b: Float64Array): number {
  const mean = (values: Float64Array) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [meanA, meanB] = [mean(a), mean(b)];
  let [product, squareA, squareB] = [0, 0, 0];
  for (let index = 0; index < a.length; index++) {
    const [p, q] = [(a[index] ?? 0) - meanA, (b[index] ?? 0) - meanB];
    product += p * q;
    squareA += p * p;
    squareB += q * q;
  }
  return squareA > 0 && squareB > 0 ? product / Math.sqrt(squareA * squareB) : 0;
}
