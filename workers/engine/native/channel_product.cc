#include "channel_product.h"

#include <algorithm>

#include "matrix_product.h"
#include "parallel.h"
#include "scratch.h"
#include "vector.h"

namespace nst {
namespace {

// Positions of a task: with their products they stay in a core's own cache. A multiple of kRowsAtOnce.
constexpr int kPositions = 40 * kRowsAtOnce;
// As the gradient's convolutions have it, see winograd.cc.
constexpr int kTerms = 32;

Scratch& Memory() {
  thread_local Scratch scratch;
  return scratch;
}

// Some columns of a matrix, side by side for each row.
void Pack(const float* matrix, int channels, int column, int columns, float* panel) {
  for (int row = 0; row < channels; ++row) {
    std::copy_n(matrix + static_cast<long>(row) * channels + column, columns, panel + row * columns);
  }
}

}  // namespace

void ChannelProduct(const float* features, FeatureMap map, const float* matrix, float* product) {
  const int channels = map.channels;
  const long positions = static_cast<long>(map.height) * map.width;
  const int tasks = static_cast<int>((positions + kPositions - 1) / kPositions);
  ParallelFor(tasks, [&](int task) {
    const long first = static_cast<long>(task) * kPositions;
    const long count = std::min<long>(kPositions, positions - first);
    const long block = static_cast<long>(kPositions) * channels;
    float* from = Memory().Get(2 * block + static_cast<long>(kPanel) * channels);
    float* to = from + block;
    float* panel = to + block;
    std::copy_n(features + first * channels, count * channels, from);
    // Rows beyond the last are what was there before; their products go nowhere.
    const int rows = static_cast<int>((count + kRowsAtOnce - 1) / kRowsAtOnce) * kRowsAtOnce;
    for (int column = 0; column < channels; column += kPanel) {
      const int columns = std::min(kPanel, channels - column);
      Pack(matrix, channels, column, columns, panel);
      if (columns == kPanel) {
        MultiplyPanel<kTerms, false, 2>(rows, channels, from, channels, panel, to + column, channels);
      } else {
        MultiplyPanel<kTerms, false, 1>(rows, channels, from, channels, panel, to + column, channels);
      }
    }
    std::copy_n(to, count * channels, product + first * channels);
  });
}

}  // namespace nst
