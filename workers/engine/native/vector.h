// As many floats at a time as one of the processor's registers holds; two NEON registers on arm64. The compiler chooses
// the instructions: this folder is compiled once for each kind of processor (see scripts/setup/compile.mjs).
#pragma once

namespace nst {

#if defined(__AVX512F__)
constexpr int kLanes = 16;
#else
constexpr int kLanes = 8;
#endif

typedef float Vector __attribute__((vector_size(4 * kLanes)));
typedef float UnalignedVector __attribute__((vector_size(4 * kLanes), aligned(4)));

inline Vector Load(const float* from) { return *reinterpret_cast<const UnalignedVector*>(from); }
inline void Store(float* to, Vector value) { *reinterpret_cast<UnalignedVector*>(to) = value; }
inline Vector Zero() { return Vector{}; }
inline Vector Broadcast(float value) { return value - Zero(); }
inline Vector Maximum(Vector a, Vector b) { return a > b ? a : b; }

// The gradient where the ReLU let its input through (its output is above 0), else 0.
inline Vector ReluGradient(Vector gradient, Vector output) { return output > Zero() ? gradient : Zero(); }

inline float Sum(Vector v) {
  float parts[kLanes];
  Store(parts, v);
  for (int half = kLanes / 2; half > 0; half /= 2) {
    for (int i = 0; i < half; ++i) parts[i] += parts[i + half];
  }
  return parts[0];
}

}  // namespace nst
