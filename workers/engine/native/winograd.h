// Convolution 3×3 of stride 1 with zero padding by Winograd's minimal filtering (Lavin & Gray 2015,
// "Fast Algorithms for Convolutional Neural Networks"): F(4×4, 3×3), a quarter of the multiplications, or, where rounding
// matters more, F(2×2, 3×3), four ninths.
#pragma once

#include "feature_map.h"
#include "vector.h"

namespace nst {

constexpr int kKernelBlock = 16;

// kernel [3, 3, inputs, outputs] → [inputs / 16, outputs / 16, 16 inputs, 9 taps, 16 outputs], which both directions read
// in pieces that lie together. Channels are multiples of 16.
void PackKernel(const float* kernel, int inputs, int outputs, float* packed);

// input [h, w, inputs] → output [h, w, outputs] = relu(input * kernel + bias), and where that is above 0. Channels are
// multiples of 16.
void Convolve(const float* input, FeatureMap shape, const float* kernel, const float* bias, int outputs, float* output,
              LaneBits* open);

// The gradient with respect to the input. `gradient` is with respect to the layer's output [h, w, outputs], which was
// above 0 where `open` says: elsewhere the ReLU lets nothing back. `kernel` is the one that Convolve() takes.
void ConvolveGradient(const float* gradient, const LaneBits* open, FeatureMap shape, const float* kernel, int inputs,
                      float* input_gradient);

}  // namespace nst
