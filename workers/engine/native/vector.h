// As many floats at a time as one of the processor's registers holds; two NEON registers on arm64. The compiler chooses
// the instructions: this folder is compiled once for each kind of processor (see scripts/setup/native-addons.mjs).
#pragma once

#include <cstdint>

#if defined(__AVX2__)
#include <immintrin.h>
#endif

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

// Half as many doubles, which one register holds.
typedef double DoubleVector __attribute__((vector_size(4 * kLanes)));
typedef double UnalignedDoubleVector __attribute__((vector_size(4 * kLanes), aligned(8)));
typedef float HalfVector __attribute__((vector_size(2 * kLanes)));
typedef float UnalignedHalfVector __attribute__((vector_size(2 * kLanes), aligned(4)));

inline DoubleVector Load(const double* from) { return *reinterpret_cast<const UnalignedDoubleVector*>(from); }
inline DoubleVector Widen(const float* from) {
  return __builtin_convertvector(*reinterpret_cast<const UnalignedHalfVector*>(from), DoubleVector);
}
inline Vector Narrow(DoubleVector low, DoubleVector high) {
  union {
    HalfVector halves[2];
    Vector whole;
  } both = {{__builtin_convertvector(low, HalfVector), __builtin_convertvector(high, HalfVector)}};
  return both.whole;
}

// One bit for each lane: of a feature map the way back needs no more than where it is above 0.
#if defined(__AVX512F__)
typedef std::uint16_t LaneBits;
#else
typedef std::uint8_t LaneBits;
#endif
typedef int Lanes __attribute__((vector_size(4 * kLanes)));

inline Lanes EachBit() {
  Lanes bits;
  for (int lane = 0; lane < kLanes; ++lane) bits[lane] = 1 << lane;
  return bits;
}

// Which lanes of a comparison are true (−1).
inline LaneBits BitsOf(Lanes comparison) {
#if defined(__AVX512F__)
  return _mm512_movepi32_mask(reinterpret_cast<__m512i>(comparison));
#elif defined(__AVX2__)
  return _mm256_movemask_ps(reinterpret_cast<__m256>(comparison));
#else
  const Lanes bits = comparison & EachBit();
  int sum = 0;
  for (int lane = 0; lane < kLanes; ++lane) sum += bits[lane];
  return sum;
#endif
}

// The lanes whose bit is set, else 0.
inline Vector Select(Vector value, LaneBits bits) {
#if defined(__AVX512F__)
  return reinterpret_cast<Vector>(_mm512_maskz_mov_ps(bits, reinterpret_cast<__m512>(value)));
#else
  return (EachBit() & static_cast<int>(bits)) != 0 ? value : Zero();
#endif
}

inline float Sum(Vector v) {
  float parts[kLanes];
  Store(parts, v);
  for (int half = kLanes / 2; half > 0; half /= 2) {
    for (int i = 0; i < half; ++i) parts[i] += parts[i + half];
  }
  return parts[0];
}

}  // namespace nst
