// The matrix product of the Winograd convolution: many rows, a panel of columns, everything in cache.
#pragma once

#include <algorithm>

#include "vector.h"

namespace nst {

// Rows at a time: 6 × 2 accumulators fill 12 of AVX2's 16 registers, 8 × 2 half of AVX-512's 32.
constexpr int kRowsAtOnce = kLanes == 16 ? 8 : 6;
constexpr int kPanel = 2 * kLanes;  // columns

// C[rows, columns] = A[rows, depth] · B[depth, columns], or added to C, where `columns` is kVectors · kLanes.
//
// `rows` is a multiple of kRowsAtOnce; `b` has its columns side by side. A sum is made of sums of kTerms: the rounding of
// n terms one after the other grows with n, that of sums of sums hardly.
template <int kTerms, bool kAdd, int kVectors>
inline void MultiplyPanel(int rows, int depth, const float* a, long a_stride, const float* b, float* c, long c_stride) {
  for (int row = 0; row < rows; row += kRowsAtOnce) {
    const float* from = a + row * a_stride;
    for (int first = 0; first < depth; first += kTerms) {
      const int end = std::min(first + kTerms, depth);
      Vector sum[kRowsAtOnce][kVectors] = {};
      for (int k = first; k < end; ++k) {
        Vector right[kVectors];
        for (int v = 0; v < kVectors; ++v) right[v] = Load(b + (k * kVectors + v) * kLanes);
#pragma GCC unroll 8
        for (int i = 0; i < kRowsAtOnce; ++i) {
          const Vector left = Broadcast(from[i * a_stride + k]);
          for (int v = 0; v < kVectors; ++v) sum[i][v] += left * right[v];
        }
      }
      for (int i = 0; i < kRowsAtOnce; ++i) {
        for (int v = 0; v < kVectors; ++v) {
          float* to = c + (row + i) * c_stride + v * kLanes;
          Store(to, kAdd || first > 0 ? Load(to) + sum[i][v] : sum[i][v]);
        }
      }
    }
  }
}

}  // namespace nst
