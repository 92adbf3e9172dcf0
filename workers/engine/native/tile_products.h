// Products of a feature map with a matrix of each tile's own: how a loss of Gram matrices pulls at it.
#pragma once

#include "feature_map.h"
#include "tiles.h"

namespace nst {

// features of one picture, [count, channels, channels] → A·matrix in the place of each tile; the tiles cover the map.
// Channels are a multiple of 16.
void TileProducts(const float* features, FeatureMap map, const Tile* tiles, int count, const float* matrices, float* products);

}  // namespace nst
