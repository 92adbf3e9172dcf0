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

// gram += AᵀA of some positions, its upper triangle.
void AddPositions(const float* features, long positions, int channels, float* gram) {
  for (long from = 0; from < positions; from += kPositionsAtOnce) {
    const int count = static_cast<int>(std::min<long>(positions - from, kPositionsAtOnce));
    AddUpperTriangle(features + from * channels, count, channels, gram);
  }
}

void Mirror(int channels, float* gram) {
  for (int row = 0; row < channels; ++row) {
    for (int column = row + 1; column < channels; ++column) {
      gram[static_cast<long>(column) * channels + row] = gram[static_cast<long>(row) * channels + column];
    }
  }
}

}  // namespace

// Each part of the positions sums up on its own: the sum does not depend on which core was first.
void GramMatrix(const float* features, FeatureMap map, float* gram) {
  const int channels = map.channels;
  const long size = static_cast<long>(channels) * channels;
  const long positions = static_cast<long>(map.height) * map.width;
  const long parts = std::max(1L, std::min<long>(Cores(), (positions + kPositionsAtOnce - 1) / kPositionsAtOnce));
  std::vector<std::vector<double>> totals(parts);
  ParallelFor(static_cast<int>(parts), [&](int part) {
    const long first = positions * part / parts, last = positions * (part + 1) / parts;
    std::vector<double>& total = totals[part];
    total.assign(size, 0.0);
    std::vector<float> sum(size);
    for (long from = first; from < last; from += kPositionsInFloat) {
      std::fill(sum.begin(), sum.end(), 0.0f);
      AddPositions(features + from * channels, std::min<long>(last - from, kPositionsInFloat), channels, sum.data());
      for (long i = 0; i < size; ++i) total[i] += sum[i];
    }
  });
  for (long i = 0; i < size; ++i) {
    double sum = 0;
    for (const std::vector<double>& total : totals) sum += total[i];
    gram[i] = static_cast<float>(sum);
  }
  Mirror(channels, gram);
}

}  // namespace nst
