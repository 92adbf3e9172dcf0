// The convolution's kernel into Winograd's space, from the packed one (see winograd.h).
#pragma once

#include "transpose.h"
#include "vector.h"
#include "winograd.h"
#include "winograd_tiles.h"
#include "winograd_transforms.h"

namespace nst {

// G g Gᵀ of kLanes kernels, each point `stride` after the one before.
template <int kTile>
inline void TransformTaps(const Vector g[9], float* to, long stride) {
  constexpr int kWindow = kTile + 2;
  Vector half[kWindow][3];
  for (int x = 0; x < 3; ++x) {
    const Vector column[3] = {g[x], g[3 + x], g[6 + x]};
    Vector t[kWindow];
    Transforms<kTile>::Taps(column, t);
    for (int y = 0; y < kWindow; ++y) half[y][x] = t[y];
  }
  for (int y = 0; y < kWindow; ++y) {
    Vector t[kWindow];
    Transforms<kTile>::Taps(half[y], t);
    for (int x = 0; x < kWindow; ++x) Store(to + (y * kWindow + x) * stride, t[x]);
  }
}

// A piece of the transformed kernel, made where it is used: [points][depth, columns], columns side by side. Kept
// whole it would be up to four times the kernel, and reading it from memory takes longer than making it.
template <int kTile>
void TransformPiece(const Direction& d, int column, int columns, int from_depth, int depth, float* piece, long stride) {
  constexpr int kTaps = 9 * kKernelBlock;
  const int outputs = d.backward ? d.in : d.out;
  const auto block_at = [&](int input, int output) {
    const long index = static_cast<long>(input / kKernelBlock) * (outputs / kKernelBlock) + output / kKernelBlock;
    return d.kernel + index * kKernelBlock * kTaps + input % kKernelBlock * kTaps + output % kKernelBlock;
  };
  for (int k = 0; k < depth; k += kLanes) {
    for (int c = 0; c < columns; c += kLanes) {
      // Vectors along the columns, one for each k and tap; backward these lie along k.
      const float* from = d.backward ? block_at(column + c, from_depth + k) : block_at(from_depth + k, column + c);
      Vector g[9][kLanes];
      for (int i = 0; i < 9; ++i) {
        for (int lane = 0; lane < kLanes; ++lane) g[i][lane] = Load(from + lane * kTaps + i * kKernelBlock);
        if (d.backward) Transpose(g[i]);
      }
      for (int lane = 0; lane < kLanes; ++lane) {
        Vector taps[9];
        for (int i = 0; i < 9; ++i) taps[i] = g[i][lane];
        TransformTaps<kTile>(taps, piece + (k + lane) * columns + c, stride);
      }
    }
  }
}

}  // namespace nst
