// The first layer of VGG-19: 3 channels in, few multiplications for its memory traffic, so a direct convolution, in
// float64, since all ReLUs and pooling windows after it inherit its rounding error.
#pragma once

#include "feature_map.h"
#include "vector.h"

namespace nst {

// image [h, w, 3] in RGB, [0, 1], kernel [3, 3, 3, outputs] → relu((255 image − ImageNet's mean) * kernel + bias) [h, w,
// outputs], and where it is above 0; outputs is a multiple of 16.
void ConvolveImage(const float* image, FeatureMap shape, const float* kernel, const float* bias, int outputs, float* output,
                   LaneBits* open);

// Gradient with respect to the output, of that shape, and where the output is above 0 → gradient with respect to the
// image [h, w, 3].
void ConvolveImageGradient(const float* gradient, const LaneBits* open, FeatureMap shape, const float* kernel,
                           float* image_gradient);

}  // namespace nst
