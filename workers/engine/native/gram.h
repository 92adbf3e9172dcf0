// Gram matrices of feature maps.
#pragma once

#include "feature_map.h"
#include "tiles.h"

namespace nst {

// features of one picture → AᵀA of each tile, [count, channels, channels]; zeros where a tile is empty. Symmetric, so that
// half of it is computed. Channels are a multiple of 16.
void GramMatrices(const float* features, FeatureMap map, const Tile* tiles, int count, float* grams);

}  // namespace nst
