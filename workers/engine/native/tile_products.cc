#include "tile_products.h"

#include <algorithm>
#include <vector>

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

struct Task {
  int tile;
  long first, last;
};

}  // namespace

void TileProducts(const float* features, FeatureMap map, const Tile* tiles, int count, const float* matrices, float* products) {
  const int channels = map.channels;
  std::vector<Task> tasks;
  for (int tile = 0; tile < count; ++tile) {
    const long positions = tiles[tile].positions();
    for (long first = 0; first < positions; first += kPositions) {
      tasks.push_back({tile, first, std::min(first + kPositions, positions)});
    }
  }
  ParallelFor(static_cast<int>(tasks.size()), [&](int index) {
    const auto& [tile, first, last] = tasks[index];
    const long block = static_cast<long>(kPositions) * channels;
    float* gathered = Memory().Get(2 * block + static_cast<long>(kPanel) * channels);
    float* product = gathered + block;
    float* panel = product + block;
    Gather(features, map, tiles[tile], first, last, gathered);
    // Rows beyond the last are what was there before; their products go nowhere.
    const int rows = static_cast<int>((last - first + kRowsAtOnce - 1) / kRowsAtOnce) * kRowsAtOnce;
    const float* matrix = matrices + static_cast<long>(tile) * channels * channels;
    for (int column = 0; column < channels; column += kPanel) {
      const int columns = std::min(kPanel, channels - column);
      Pack(matrix, channels, column, columns, panel);
      if (columns == kPanel) {
        MultiplyPanel<kTerms, false, 2>(rows, channels, gathered, channels, panel, product + column, channels);
      } else {
        MultiplyPanel<kTerms, false, 1>(rows, channels, gathered, channels, panel, product + column, channels);
      }
    }
    ForEachRun(tiles[tile], map, first, last, [&](long at, long positions, long before) {
      std::copy_n(product + before * channels, positions * channels, products + at * channels);
    });
  });
}

}  // namespace nst
