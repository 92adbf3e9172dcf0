#include "gram.h"

#include <algorithm>
#include <vector>

#include "matrix_product.h"
#include "parallel.h"
#include "scratch.h"
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

Scratch& GatheredMemory() {
  thread_local Scratch scratch;
  return scratch;
}

// gram += AᵀA of a tile's positions, its upper triangle.
void AddPositions(const float* features, const FeatureMap& map, const Tile& tile, long first, long last, float* gram) {
  float* gathered = GatheredMemory().Get(static_cast<long>(kPositionsAtOnce) * map.channels);
  for (long from = first; from < last; from += kPositionsAtOnce) {
    const long to = std::min(last, from + kPositionsAtOnce);
    Gather(features, map, tile, from, to, gathered);
    AddUpperTriangle(gathered, static_cast<int>(to - from), map.channels, gram);
  }
}

void Mirror(int channels, float* gram) {
  for (int row = 0; row < channels; ++row) {
    for (int column = row + 1; column < channels; ++column) {
      gram[static_cast<long>(column) * channels + row] = gram[static_cast<long>(row) * channels + column];
    }
  }
}

// A tile's positions `first` to `last`, of `parts` such parts.
struct Part {
  int tile, parts;
  long first, last;
};

// Each part sums up on its own: the sum does not depend on which core was first.
std::vector<Part> PartsOf(const Tile* tiles, int count) {
  const long most = (Cores() + count - 1) / count;
  std::vector<Part> all;
  for (int tile = 0; tile < count; ++tile) {
    const long positions = tiles[tile].positions();
    const long parts = std::max(1L, std::min(most, (positions + kPositionsAtOnce - 1) / kPositionsAtOnce));
    for (long i = 0; i < parts; ++i) {
      all.push_back({tile, static_cast<int>(parts), positions * i / parts, positions * (i + 1) / parts});
    }
  }
  return all;
}

}  // namespace

void GramMatrices(const float* features, FeatureMap map, const Tile* tiles, int count, float* grams) {
  const int channels = map.channels;
  const long size = static_cast<long>(channels) * channels;
  const std::vector<Part> parts = PartsOf(tiles, count);
  std::vector<std::vector<double>> totals(parts.size());
  ParallelFor(static_cast<int>(parts.size()), [&](int task) {
    const Part& part = parts[task];
    const Tile& tile = tiles[part.tile];
    if (part.parts == 1 && part.last - part.first <= kPositionsInFloat) {
      float* gram = grams + part.tile * size;
      std::fill_n(gram, size, 0.0f);
      AddPositions(features, map, tile, part.first, part.last, gram);
      Mirror(channels, gram);
      return;
    }
    std::vector<double>& total = totals[task];
    total.assign(size, 0.0);
    std::vector<float> sum(size);
    for (long from = part.first; from < part.last; from += kPositionsInFloat) {
      std::fill(sum.begin(), sum.end(), 0.0f);
      AddPositions(features, map, tile, from, std::min(part.last, from + kPositionsInFloat), sum.data());
      for (long i = 0; i < size; ++i) total[i] += sum[i];
    }
  });
  for (size_t first = 0; first < parts.size(); first += parts[first].parts) {
    if (totals[first].empty()) continue;
    float* gram = grams + parts[first].tile * size;
    for (long i = 0; i < size; ++i) {
      double sum = 0;
      for (int other = 0; other < parts[first].parts; ++other) sum += totals[first + other][i];
      gram[i] = static_cast<float>(sum);
    }
    Mirror(channels, gram);
  }
}

}  // namespace nst
