// The first layer of VGG-19: 3 channels in, few multiplications for its memory traffic, so a direct convolution.
#pragma once

namespace nst {

// image [h, w, 3], kernel [3, 3, 3, outputs] → relu(image * kernel + bias) [h, w, outputs]; outputs is a multiple of 16.
void ConvolveImage(const float* image, int height, int width, const float* kernel, const float* bias, int outputs, float* output);

// Gradient with respect to the output, and the output → gradient with respect to the image [h, w, 3].
void ConvolveImageGradient(const float* gradient, const float* output, int height, int width, const float* kernel, int outputs,
                           float* image_gradient);

}  // namespace nst
