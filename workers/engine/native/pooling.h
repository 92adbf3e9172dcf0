// Pooling 2×2 of stride 2, channels last; a last odd row or column is dropped. Channels are a multiple of 8.
#pragma once

namespace nst {

// input [h, w, c] → output [h / 2, w / 2, c].
void Pool(const float* input, int height, int width, int channels, bool average, float* output);

// Gradient with respect to the output → with respect to the input. Of equal maxima the first takes all, as in TensorFlow.
void PoolGradient(const float* gradient, const float* input, const float* output, int height, int width, int channels,
                  bool average, float* input_gradient);

}  // namespace nst
