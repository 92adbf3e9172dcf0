// Pooling 2×2 of stride 2, channels last; a last odd row or column is dropped. Channels are a multiple of 16.
#pragma once

#include "feature_map.h"
#include "vector.h"

namespace nst {

// input [h, w, c] → output [h / 2, w / 2, c]; for maxima also `taken` [h / 2, w / 2, c / lanes, 4]: which of a
// window's four each was taken from, the first of equal ones.
void Pool(const float* input, FeatureMap shape, bool average, float* output, LaneBits* taken);

// Gradient with respect to the output → with respect to the input, of that shape.
void PoolGradient(const float* gradient, const LaneBits* taken, FeatureMap shape, bool average, float* input_gradient);

}  // namespace nst
