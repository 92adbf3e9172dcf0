#include "image_convolution.h"

#include <algorithm>
#include <vector>

#include "parallel.h"
#include "vector.h"

namespace nst {
namespace {

// VGG-19 was trained with pictures of 0–255 without the mean of ImageNet, in RGB.
constexpr double kScale = 255, kMean[3] = {123.68, 116.779, 103.939};
constexpr int kRowsPerTask = 8;
constexpr int kPixels = 4;  // at once, so that each of the kernel's values is loaded once for four
constexpr int kAtOnce = kLanes == 16 ? 2 : 1;  // vectors of channels whose sums the registers hold

// Some channels of kPixels neighbours, of which the first `pixels` are stored; `stride` is that of the image's rows.
template <int kVectors>
void ConvolvePixels(const double* from, int stride, const double* kernel, const float* bias, int outputs, int pixels, float* to,
                    LaneBits* open) {
  DoubleVector sum[kPixels][2 * kVectors];
  for (int v = 0; v < 2 * kVectors; ++v) {
    for (int p = 0; p < kPixels; ++p) sum[p][v] = Widen(bias + v * kLanes / 2);
  }
  for (int tap = 0; tap < 27; ++tap) {
    const double* values = from + tap / 9 * stride + tap % 9;
    for (int v = 0; v < 2 * kVectors; ++v) {
      const DoubleVector weight = Load(kernel + tap * outputs + v * kLanes / 2);
      for (int p = 0; p < kPixels; ++p) sum[p][v] += values[p * 3] * weight;
    }
  }
  for (int p = 0; p < pixels; ++p) {
    for (int v = 0; v < kVectors; ++v) {
      const Vector rounded = Narrow(sum[p][2 * v], sum[p][2 * v + 1]);
      Store(to + p * outputs + v * kLanes, Maximum(rounded, Zero()));
      open[p * outputs / kLanes + v] = BitsOf(rounded > Zero());
    }
  }
}

}  // namespace

void ConvolveImage(const float* image, FeatureMap shape, const float* kernel, const float* bias, int outputs, float* output,
                   LaneBits* open) {
  const int height = shape.height, width = shape.width;
  const int stride = (width + 2) * 3;
  const std::vector<double> weights(kernel, kernel + 27 * outputs);
  ParallelFor((height + kRowsPerTask - 1) / kRowsPerTask, [&](int task) {
    // Three rows of the image with a pixel of zeros on either side; kPixels more, for the last pixels of a row.
    std::vector<double> rows(3 * stride + 3 * kPixels, 0.0);
    const int end = std::min(height, (task + 1) * kRowsPerTask);
    for (int y = task * kRowsPerTask; y < end; ++y) {
      for (int r = 0; r < 3; ++r) {
        double* row = rows.data() + r * stride + 3;
        const int source = y + r - 1;
        if (source < 0 || source >= height) {
          std::fill(row, row + width * 3, 0.0);
          continue;
        }
        const float* pixels = image + static_cast<long>(source) * width * 3;
        for (int i = 0; i < width * 3; ++i) row[i] = kScale * pixels[i] - kMean[i % 3];
      }
      for (int x = 0; x < width; x += kPixels) {
        const double* from = rows.data() + x * 3;
        const long offset = (static_cast<long>(y) * width + x) * outputs;
        float* to = output + offset;
        LaneBits* bits = open + offset / kLanes;
        const int pixels = std::min(kPixels, width - x);
        int o = 0;
        for (; o + kAtOnce * kLanes <= outputs; o += kAtOnce * kLanes) {
          ConvolvePixels<kAtOnce>(from, stride, weights.data() + o, bias + o, outputs, pixels, to + o, bits + o / kLanes);
        }
        for (; o < outputs; o += kLanes) {
          ConvolvePixels<1>(from, stride, weights.data() + o, bias + o, outputs, pixels, to + o, bits + o / kLanes);
        }
      }
    }
  });
}

void ConvolveImageGradient(const float* gradient, const LaneBits* open, FeatureMap shape, const float* kernel,
                           float* image_gradient) {
  const int height = shape.height, width = shape.width, outputs = shape.channels;
  const long row_size = static_cast<long>(width) * outputs;
  const long stride = row_size + (2 + kPixels) * outputs;
  ParallelFor((height + kRowsPerTask - 1) / kRowsPerTask, [&](int task) {
    // Rows y − 1, y, y + 1 of the masked gradient, with zeros around, in a ring.
    std::vector<float> ring(3 * stride, 0.0f);
    const auto row_at = [&](int y) { return ring.data() + (y + 3) % 3 * stride; };
    const auto load_row = [&](int y) {
      float* to = row_at(y) + outputs;
      if (y < 0 || y >= height) {
        std::fill(to, to + row_size, 0.0f);
        return;
      }
      const long offset = y * row_size;
      for (long i = 0; i < row_size; i += kLanes) {
        Store(to + i, Select(Load(gradient + offset + i), open[(offset + i) / kLanes]));
      }
    };
    const int begin = task * kRowsPerTask, end = std::min(height, begin + kRowsPerTask);
    load_row(begin - 1);
    load_row(begin);
    for (int y = begin; y < end; ++y) {
      load_row(y + 1);
      for (int x = 0; x < width; x += kPixels) {
        Vector sum[kPixels][3] = {};
        for (int tap = 0; tap < 9; ++tap) {
          // The gradient at (y, x) collects from outputs (y + 1 − r, x + 1 − s); +1 for the zeros on the left.
          const float* from = row_at(y + 1 - tap / 3) + static_cast<long>(x + 2 - tap % 3) * outputs;
          const float* weights = kernel + tap * 3 * outputs;
          for (int o = 0; o < outputs; o += kLanes) {
            const Vector w0 = Load(weights + o), w1 = Load(weights + outputs + o), w2 = Load(weights + 2 * outputs + o);
            for (int p = 0; p < kPixels; ++p) {
              const Vector value = Load(from + p * outputs + o);
              sum[p][0] += value * w0;
              sum[p][1] += value * w1;
              sum[p][2] += value * w2;
            }
          }
        }
        for (int p = 0; p < std::min(kPixels, width - x); ++p) {
          float* to = image_gradient + (static_cast<long>(y) * width + x + p) * 3;
          for (int c = 0; c < 3; ++c) to[c] = static_cast<float>(kScale) * Sum(sum[p][c]);
        }
      }
    }
  });
}

}  // namespace nst
