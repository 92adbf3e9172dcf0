#include "pooling.h"

#include <algorithm>

#include "parallel.h"
#include "vector.h"

namespace nst {

void Pool(const float* input, int height, int width, int channels, bool average, float* output) {
  const int out_width = width / 2;
  const long row = static_cast<long>(width) * channels;
  ParallelFor(height / 2, [&](int y) {
    for (int x = 0; x < out_width; ++x) {
      const float* from = input + 2L * y * row + 2L * x * channels;
      float* to = output + (static_cast<long>(y) * out_width + x) * channels;
      for (int c = 0; c < channels; c += kLanes) {
        const Vector a = Load(from + c), b = Load(from + channels + c);
        const Vector d = Load(from + row + c), e = Load(from + row + channels + c);
        Store(to + c, average ? 0.25f * ((a + b) + (d + e)) : Maximum(Maximum(a, b), Maximum(d, e)));
      }
    }
  });
}

void PoolGradient(const float* gradient, const float* input, const float* output, int height, int width, int channels,
                  bool average, float* input_gradient) {
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
      const long at = 2L * y * row + 2L * x * channels;
      const long pooled = (static_cast<long>(y) * out_width + x) * channels;
      for (int c = 0; c < channels; c += kLanes) {
        Vector rest = Load(gradient + pooled + c);
        if (average) {
          for (long offset : offsets) Store(input_gradient + at + offset + c, 0.25f * rest);
          continue;
        }
        const Vector maximum = Load(output + pooled + c);
        for (long offset : offsets) {
          const auto here = Load(input + at + offset + c) == maximum;
          Store(input_gradient + at + offset + c, here ? rest : Zero());
          rest = here ? Zero() : rest;
        }
      }
    }
    if (width % 2 == 1) {
      for (int r = 0; r < 2; ++r) std::fill_n(rows + r * row + 2L * out_width * channels, channels, 0.0f);
    }
  });
}

}  // namespace nst
