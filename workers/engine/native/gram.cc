#include "gram.h"

#include <algorithm>
#include <vector>

#include "matrix_product.h"
#include "parallel.h"
#include "vector.h"

namespace nst {
namespace {

// Rows of the Gram matrix that are summed up in registers at once, beside kPanel columns.
constexpr int kRows = kLanes == 16 ? 8 : 4;
// Positions whose features stay in a core's own cache while all pairs of channels are gone through.
constexpr int kPositionsAtOnce = 256;
// Positions that are summed up in float32 before they go into float64: a picture has millions.
constexpr int kPositionsInFloat = 16 * kPositionsAtOnce;

// gram[row …, column …] += Σ over positions of features[row …] · features[column …].
template <int kVectors>
inline void AddProducts(const float* features, int positions, int channels, int row, int column, float* gram) {
  Vector sum[kRows][kVectors] = {};
  for (int p = 0; p < positions; ++p) {
    const float* at = features + static_cast<long>(p) * channels;
    Vector right[kVectors];
    for (int v = 0; v < kVectors; ++v) right[v] = Load(at + column + v * kLanes);
#pragma GCC unroll 8
    for (int i = 0; i < kRows; ++i) {
      const Vector left = Broadcast(at[row + i]);
      for (int v = 0; v < kVectors; ++v) sum[i][v] += left * right[v];
    }
  }
  for (int i = 0; i < kRows; ++i) {
    for (int v = 0; v < kVectors; ++v) {
      float* to = gram + static_cast<long>(row + i) * channels + column + v * kLanes;
      Store(to, Load(to) + sum[i][v]);
    }
  }
}

// The upper triangle, and what of the panels on the diagonal is below it.
void AddUpperTriangle(const float* features, int positions, int channels, float* gram) {
  for (int column = 0; column < channels; column += kPanel) {
    const bool is_whole = column + kPanel <= channels;
    const int last_row = std::min(channels, column + kPanel);
    for (int row = 0; row < last_row; row += kRows) {
      if (is_whole) AddProducts<2>(features, positions, channels, row, column, gram);
      else AddProducts<1>(features, positions, channels, row, column, gram);
    }
  }
}

}  // namespace

void GramMatrix(const float* features, long positions, int channels, float* gram) {
  const long size = static_cast<long>(channels) * channels;
  // Each task sums up its own part: the sum does not depend on which core was first.
  const int tasks = static_cast<int>(std::min<long>(Cores(), (positions + kPositionsAtOnce - 1) / kPositionsAtOnce));
  std::vector<std::vector<double>> parts(tasks);
  ParallelFor(tasks, [&](int task) {
    std::vector<double>& total = parts[task];
    total.assign(size, 0.0);
    std::vector<float> part(size);
    const long first = positions * task / tasks, last = positions * (task + 1) / tasks;
    for (long from = first; from < last; from += kPositionsInFloat) {
      std::fill(part.begin(), part.end(), 0.0f);
      const long to = std::min(last, from + kPositionsInFloat);
      for (long p = from; p < to; p += kPositionsAtOnce) {
        const int count = static_cast<int>(std::min<long>(kPositionsAtOnce, to - p));
        AddUpperTriangle(features + p * channels, count, channels, part.data());
      }
      for (long i = 0; i < size; ++i) total[i] += part[i];
    }
  });
  for (int row = 0; row < channels; ++row) {
    for (int column = row; column < channels; ++column) {
      const long at = static_cast<long>(row) * channels + column;
      double sum = 0;
      for (const auto& part : parts) sum += part[at];
      gram[at] = gram[static_cast<long>(column) * channels + row] = static_cast<float>(sum);
    }
  }
}

}  // namespace nst
