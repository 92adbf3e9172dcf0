// Rectangles of a feature map that are computed on apart from each other.
#pragma once

#include <algorithm>
#include <cstdint>

#include "feature_map.h"

namespace nst {

// In positions of the map, of which it has none where it is empty. Laid out as the int32 tensors that hold them.
struct Tile {
  std::int32_t top, height, left, width;

  long positions() const { return static_cast<long>(height) * width; }
};

// Calls body(position in the map, how many follow it there, how many came before) for each run of the tile's positions
// `first` to `last` that lie side by side in the map.
template <typename Body>
inline void ForEachRun(const Tile& tile, const FeatureMap& map, long first, long last, const Body& body) {
  for (long p = first; p < last;) {
    const long row = p / tile.width, column = p % tile.width;
    // Rows of a tile as wide as the map follow each other without a gap.
    const long count = tile.width == map.width ? last - p : std::min(last - p, tile.width - column);
    body((tile.top + row) * map.width + tile.left + column, count, p - first);
    p += count;
  }
}

// Features of the tile's positions `first` to `last`, one after the other.
inline void Gather(const float* features, const FeatureMap& map, const Tile& tile, long first, long last, float* to) {
  ForEachRun(tile, map, first, last, [&](long at, long count, long before) {
    std::copy_n(features + at * map.channels, count * map.channels, to + before * map.channels);
  });
}

}  // namespace nst
