// Convolution 3×3 of stride 1 with zero padding by Winograd's minimal filtering F(4×4, 3×3)
// (Lavin & Gray 2015, "Fast Algorithms for Convolutional Neural Networks"): a quarter of the multiplications.
#pragma once

namespace nst {

constexpr int kPoints = 36;  // 6 × 6 products for 4 × 4 outputs

struct FeatureMap {
  int height, width, channels;  // row-major, channels last
};

// kernel [3, 3, inputs, outputs] → transformed [36, inputs, outputs]: G g Gᵀ for each pair of channels.
void TransformKernel(const float* kernel, int inputs, int outputs, float* transformed);

// input [h, w, inputs] → output [h, w, outputs] = relu(input * kernel + bias). Channels are multiples of 16.
void Convolve(const float* input, FeatureMap shape, const float* transformed, const float* bias, int outputs, float* output);

// The gradient with respect to the input. `gradient` is with respect to the layer's output [h, w, outputs], `output` is
// that output: where the ReLU closed the gradient is 0. Uses Convolve()'s transformed kernel.
void ConvolveGradient(const float* gradient, const float* output, FeatureMap shape, const float* transformed, int inputs,
                      float* input_gradient);

}  // namespace nst
