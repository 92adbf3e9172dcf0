// The product of a feature map with a matrix of its channels: the gradient of a loss of Gram matrices.
#pragma once

#include "feature_map.h"

namespace nst {

// features of one picture, [channels, channels] → A·matrix. Channels are a multiple of 16.
void ChannelProduct(const float* features, FeatureMap map, const float* matrix, float* product);

}  // namespace nst
