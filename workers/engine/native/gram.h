// Gram matrices of feature maps.
#pragma once

#include "feature_map.h"

namespace nst {

// features of one picture → AᵀA, [channels, channels]. It is symmetric, so half of it is computed. Channels are a multiple of 16.
void GramMatrix(const float* features, FeatureMap map, float* gram);

}  // namespace nst
