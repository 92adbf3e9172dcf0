// The transforms of Winograd's minimal filtering F(m, 3), along one edge: windows of m + 2 inputs d and 3 taps g become
// m + 2 points, whose products m become m outputs. They evaluate polynomials at 0, ±p (±q) and infinity.
#pragma once

#include "vector.h"

namespace nst {

template <int kTile>
struct Transforms;

// Two outputs from four products, 2.25 times fewer in two dimensions. Each is exact but for the sums' rounding.
template <>
struct Transforms<2> {
  // Bᵀ d.
  static void Window(const Vector d[4], Vector t[4]) {
    t[0] = d[0] - d[2];
    t[1] = d[2] + d[1];
    t[2] = d[2] - d[1];
    t[3] = d[3] - d[1];
  }

  // G g.
  static void Taps(const Vector g[3], Vector t[4]) {
    const Vector even = 0.5f * (g[0] + g[2]), odd = 0.5f * g[1];
    t[0] = g[0];
    t[1] = even + odd;
    t[2] = even - odd;
    t[3] = g[2];
  }

  // Aᵀ m.
  static void Products(const Vector m[4], Vector y[2]) {
    y[0] = m[0] + (m[1] + m[2]);
    y[1] = (m[1] - m[2]) + m[3];
  }
};

// Four outputs from six products, four times fewer in two dimensions.
//
// These points halve the rounding error of the textbook's ±1, ±2 (1.2e-6 against 2.7e-6 over 256 channels, direct
// convolution 0.6e-6) and their products are exact in binary.
// Barabasz et al. 2020, "Error Analysis and Improving the Accuracy of Winograd Convolution for Deep Neural Networks".
template <>
struct Transforms<4> {
  static constexpr float p = 0.625f, q = 1.375f;
  static constexpr float p2 = p * p, q2 = q * q;

  static void Window(const Vector d[6], Vector t[6]) {
    const Vector even_p = d[4] - q2 * d[2], odd_p = p * (d[3] - q2 * d[1]);
    const Vector even_q = d[4] - p2 * d[2], odd_q = q * (d[3] - p2 * d[1]);
    t[0] = (p2 * q2) * d[0] - (p2 + q2) * d[2] + d[4];
    t[1] = even_p + odd_p;
    t[2] = even_p - odd_p;
    t[3] = even_q + odd_q;
    t[4] = even_q - odd_q;
    t[5] = (p2 * q2) * d[1] - (p2 + q2) * d[3] + d[5];
  }

  static void Taps(const Vector g[3], Vector t[6]) {
    constexpr float np = 1 / (2.0 * p2 * (p2 - q2)), nq = 1 / (2.0 * q2 * (q2 - p2));
    const Vector even_p = np * g[0] + (np * p2) * g[2], odd_p = (np * p) * g[1];
    const Vector even_q = nq * g[0] + (nq * q2) * g[2], odd_q = (nq * q) * g[1];
    t[0] = static_cast<float>(1 / (1.0 * p2 * q2)) * g[0];
    t[1] = even_p + odd_p;
    t[2] = even_p - odd_p;
    t[3] = even_q + odd_q;
    t[4] = even_q - odd_q;
    t[5] = g[2];
  }

  static void Products(const Vector m[6], Vector y[4]) {
    const Vector sum_p = m[1] + m[2], difference_p = m[1] - m[2];
    const Vector sum_q = m[3] + m[4], difference_q = m[3] - m[4];
    y[0] = m[0] + sum_p + sum_q;
    y[1] = p * difference_p + q * difference_q;
    y[2] = p2 * sum_p + q2 * sum_q;
    y[3] = (p * p2) * difference_p + (q * q2) * difference_q + m[5];
  }
};

}  // namespace nst
