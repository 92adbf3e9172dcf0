// Gram matrices of feature maps.
#pragma once

namespace nst {

// features [positions, channels] → AᵀA [channels, channels]. Symmetric, so that half of it is computed. Channels are a
// multiple of 16.
void GramMatrix(const float* features, long positions, int channels, float* gram);

}  // namespace nst
