// The matrix product of the Winograd convolution: many rows, a panel of columns, everything in cache.
#pragma once

#include "vector.h"

namespace nst {

constexpr int kRowsAtOnce = 6;    // 6 × 16 accumulators fill 12 of AVX2's 16 registers
constexpr int kPanel = 16;        // columns
constexpr int kDepthAtOnce = 256; // a packed panel of this depth (16 KiB) and its rows stay in the L1 cache

// C[rows, 16] = A[rows, depth] · B[depth, 16], or added to C.
//
// `rows` is a multiple of kRowsAtOnce, `panel` is B with its 16 columns side by side.
template <bool kAdd>
inline void MultiplyPanel(int rows, int depth, const float* a, int a_stride, const float* panel, float* c, int c_stride) {
  for (int row = 0; row < rows; row += kRowsAtOnce) {
    Vector sum[kRowsAtOnce][2];
    for (int i = 0; i < kRowsAtOnce; ++i) {
      sum[i][0] = kAdd ? Load(c + (row + i) * c_stride) : Zero();
      sum[i][1] = kAdd ? Load(c + (row + i) * c_stride + kLanes) : Zero();
    }
    const float* from = a + row * a_stride;
    for (int k = 0; k < depth; ++k) {
      const Vector b0 = Load(panel + k * kPanel);
      const Vector b1 = Load(panel + k * kPanel + kLanes);
#pragma GCC unroll 6
      for (int i = 0; i < kRowsAtOnce; ++i) {
        const Vector value = Broadcast(from[i * a_stride + k]);
        sum[i][0] += value * b0;
        sum[i][1] += value * b1;
      }
    }
    for (int i = 0; i < kRowsAtOnce; ++i) {
      Store(c + (row + i) * c_stride, sum[i][0]);
      Store(c + (row + i) * c_stride + kLanes, sum[i][1]);
    }
  }
}

// Columns first … first + 15 of B, `depth` rows from `from_depth` on, side by side. B is row-major, or its transpose is.
inline void PackPanel(const float* b, int stride, bool transposed, int first, int from_depth, int depth, float* panel) {
  if (!transposed) {
    for (int k = 0; k < depth; ++k) {
      const float* row = b + static_cast<long>(from_depth + k) * stride + first;
      Store(panel + k * kPanel, Load(row));
      Store(panel + k * kPanel + kLanes, Load(row + kLanes));
    }
    return;
  }
  for (int k = 0; k < depth; k += kLanes) {
    for (int column = 0; column < kPanel; ++column) {
      const float* row = b + static_cast<long>(first + column) * stride + from_depth + k;
      for (int lane = 0; lane < kLanes; ++lane) panel[(k + lane) * kPanel + column] = row[lane];
    }
  }
}

}  // namespace nst
