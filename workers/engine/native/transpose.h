// Rows and columns of a square of kLanes × kLanes numbers change places, in registers.
#pragma once

#include "vector.h"

namespace nst {

// Lane i of the result is lane `at[i]` of a and b side by side.
inline Vector Permute(Vector a, Vector b, Lanes at) {
#if defined(__clang__)
  Vector result;
  for (int i = 0; i < kLanes; ++i) result[i] = at[i] < kLanes ? a[at[i]] : b[at[i] - kLanes];
  return result;
#else
  return __builtin_shuffle(a, b, at);
#endif
}

template <int kStep>
inline void ExchangeBlocks(Vector rows[kLanes]) {
  Lanes low, high;
  for (int i = 0; i < kLanes; ++i) {
    low[i] = (i & kStep) == 0 ? i : kLanes + i - kStep;
    high[i] = (i & kStep) == 0 ? i + kStep : kLanes + i;
  }
#pragma GCC unroll 16
  for (int i = 0; i < kLanes; ++i) {
    if ((i & kStep) != 0) continue;
    const Vector a = rows[i], b = rows[i + kStep];
    rows[i] = Permute(a, b, low);
    rows[i + kStep] = Permute(a, b, high);
  }
}

inline void Transpose(Vector rows[kLanes]) {
  ExchangeBlocks<1>(rows);
  ExchangeBlocks<2>(rows);
  ExchangeBlocks<4>(rows);
  if constexpr (kLanes == 16) ExchangeBlocks<8>(rows);
}

}  // namespace nst
