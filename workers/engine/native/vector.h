// Eight floats at a time: AVX on x86-64, two NEON registers on arm64. The compiler chooses the instructions.
#pragma once

namespace nst {

typedef float Vector __attribute__((vector_size(32)));
typedef float UnalignedVector __attribute__((vector_size(32), aligned(4)));

constexpr int kLanes = 8;

inline Vector Load(const float* from) { return *reinterpret_cast<const UnalignedVector*>(from); }
inline void Store(float* to, Vector value) { *reinterpret_cast<UnalignedVector*>(to) = value; }
inline Vector Broadcast(float value) { return Vector{value, value, value, value, value, value, value, value}; }
inline Vector Zero() { return Vector{}; }
inline Vector Maximum(Vector a, Vector b) { return a > b ? a : b; }

// The gradient where the ReLU let its input through (its output is above 0), else 0.
inline Vector ReluGradient(Vector gradient, Vector output) { return output > Zero() ? gradient : Zero(); }

inline float Sum(Vector v) { return ((v[0] + v[4]) + (v[2] + v[6])) + ((v[1] + v[5]) + (v[3] + v[7])); }

}  // namespace nst
