#include "pooling.h"

#include <algorithm>

#include "parallel.h"
#include "vector.h"

namespace nst {

void Pool(const float* input, FeatureMap shape, bool average, float* output, LaneBits* taken) {
  const int channels = shape.channels, out_width = shape.width / 2;
  const long row = static_cast<long>(shape.width) * channels;
  const long offsets[4] = {0, channels, row, row + channels};
  ParallelFor(shape.height / 2, [&](int y) {
    for (int x = 0; x < out_width; ++x) {
      const float* from = input + 2L * y * row + 2L * x * channels;
      const long pooled = (static_cast<long>(y) * out_width + x) * channels;
      for (int c = 0; c < channels; c += kLanes) {
        Vector at[4];
        for (int i = 0; i < 4; ++i) at[i] = Load(from + offsets[i] + c);
        if (average) {
          Store(output + pooled + c, 0.25f * ((at[0] + at[1]) + (at[2] + at[3])));
          continue;
        }
        const Vector maximum = Maximum(Maximum(at[0], at[1]), Maximum(at[2], at[3]));
        Store(output + pooled + c, maximum);
        unsigned rest = (1u << kLanes) - 1;
        for (int i = 0; i < 4; ++i) {
          const unsigned here = BitsOf(at[i] == maximum) & rest;
          taken[(pooled + c) / kLanes * 4 + i] = here;
          rest &= ~here;
        }
      }
    }
  });
}

void PoolGradient(const float* gradient, const LaneBits* taken, FeatureMap shape, bool average, float* input_gradient) {
  const int height = shape.height, width = shape.width, channels = shape.channels;
  const int out_width = width / 2, out_height = height / 2;
  const long row = static_cast<long>(width) * channels;
  const long offsets[4] = {0, channels, row, row + channels};
  ParallelFor((height + 1) / 2, [&](int y) {
    float* rows = input_gradient + 2L * y * row;
    if (y == out_height) {
      std::fill(rows, rows + row, 0.0f);
      return;
    }
    for (int x = 0; x < out_width; ++x) {
      float* at = rows + 2L * x * channels;
      const long pooled = (static_cast<long>(y) * out_width + x) * channels;
      for (int c = 0; c < channels; c += kLanes) {
        const Vector value = Load(gradient + pooled + c);
        for (int i = 0; i < 4; ++i) {
          Store(at + offsets[i] + c,
                average ? 0.25f * value : Select(value, taken[(pooled + c) / kLanes * 4 + i]));
        }
      }
    }
    if (width % 2 == 1) {
      for (int r = 0; r < 2; ++r) std::fill_n(rows + r * row + 2L * out_width * channels, channels, 0.0f);
    }
  });
}

}  // namespace nst
