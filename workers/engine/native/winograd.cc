#include "winograd.h"

#include <algorithm>
#include <cstdlib>
#include <vector>

#include "matrix_product.h"
#include "parallel.h"
#include "vector.h"

namespace nst {
namespace {

constexpr int kTile = 4;    // outputs of a tile, along an edge
constexpr int kWindow = 6;  // inputs of a tile, along an edge
// Transformed tiles in flight, in bytes: they have to stay in the shared cache between the three phases.
constexpr long kBlockBytes = 8 << 20;
constexpr int kTilesPerTask = 12;
constexpr int kColumnsPerTask = 64;

// The transforms evaluate polynomials at 0, ±p, ±q and infinity. These points halve the rounding error of the textbook's
// ±1, ±2 (1.2e-6 against 2.7e-6 over 256 channels, direct convolution 0.6e-6) and their products are exact in binary.
// Barabasz et al. 2020, "Error Analysis and Improving the Accuracy of Winograd Convolution for Deep Neural Networks".
constexpr float p = 0.625f, q = 1.375f;
constexpr float p2 = p * p, q2 = q * q;

// Bᵀ d, one column of a window.
inline void TransformWindow(const Vector d[6], Vector t[6]) {
  const Vector even_p = d[4] - q2 * d[2], odd_p = p * (d[3] - q2 * d[1]);
  const Vector even_q = d[4] - p2 * d[2], odd_q = q * (d[3] - p2 * d[1]);
  t[0] = (p2 * q2) * d[0] - (p2 + q2) * d[2] + d[4];
  t[1] = even_p + odd_p;
  t[2] = even_p - odd_p;
  t[3] = even_q + odd_q;
  t[4] = even_q - odd_q;
  t[5] = (p2 * q2) * d[1] - (p2 + q2) * d[3] + d[5];
}

// Aᵀ m, one column of products.
inline void TransformProducts(const Vector m[6], Vector y[4]) {
  const Vector sum_p = m[1] + m[2], difference_p = m[1] - m[2];
  const Vector sum_q = m[3] + m[4], difference_q = m[3] - m[4];
  y[0] = m[0] + sum_p + sum_q;
  y[1] = p * difference_p + q * difference_q;
  y[2] = p2 * sum_p + q2 * sum_q;
  y[3] = (p * p2) * difference_p + (q * q2) * difference_q + m[5];
}

// Memory that is kept between calls; a step would otherwise ask the system for it anew at every layer.
class Scratch {
 public:
  float* Get(long floats) {
    if (floats > size_) {
      std::free(memory_);
      const long bytes = (floats * static_cast<long>(sizeof(float)) + 4095) / 4096 * 4096;
      memory_ = static_cast<float*>(std::aligned_alloc(4096, bytes));
      std::fill(memory_, memory_ + bytes / sizeof(float), 0.0f);
      size_ = floats;
    }
    return memory_;
  }

 private:
  float* memory_ = nullptr;
  long size_ = 0;
};

struct Direction {
  const float* input;       // [h, w, in]
  const float* relu_output; // masks the input where given (backward)
  const float* transformed; // [36, …]
  const float* bias;        // forward
  float* output;            // [h, w, out]
  int height, width, in, out;
  bool backward;            // kernel transposed, windows and outputs turned by 180°
};

class TileGrid {
 public:
  explicit TileGrid(const Direction& d) : d_(d), columns_((d.width + kTile - 1) / kTile), rows_((d.height + kTile - 1) / kTile) {}

  int count() const { return columns_ * rows_; }

  // V[point, tile, :] = Bᵀ d B of the tile's window.
  void TransformInput(int tile, float* to, long point_stride) const {
    static const std::vector<float> zeros(1024, 0.0f);
    const int top = tile / columns_ * kTile - 1, left = tile % columns_ * kTile - 1;
    const float* from[kPoints];
    const float* mask[kPoints];
    for (int i = 0; i < kPoints; ++i) {
      // Turning window, products and outputs by 180° turns the kernel: the gradient's convolution with the same transform.
      const int position = d_.backward ? kPoints - 1 - i : i;
      const int y = top + position / kWindow, x = left + position % kWindow;
      const bool inside = y >= 0 && y < d_.height && x >= 0 && x < d_.width;
      const long offset = (static_cast<long>(y) * d_.width + x) * d_.in;
      from[i] = inside ? d_.input + offset : zeros.data();
      mask[i] = inside && d_.relu_output ? d_.relu_output + offset : zeros.data();
    }
    for (int c = 0; c < d_.in; c += kLanes) {
      Vector half[kWindow][kWindow];
      for (int x = 0; x < kWindow; ++x) {
        Vector column[kWindow], t[kWindow];
        for (int y = 0; y < kWindow; ++y) {
          const int i = y * kWindow + x;
          column[y] = d_.relu_output ? ReluGradient(Load(from[i] + c), Load(mask[i] + c)) : Load(from[i] + c);
        }
        TransformWindow(column, t);
        for (int y = 0; y < kWindow; ++y) half[y][x] = t[y];
      }
      for (int y = 0; y < kWindow; ++y) {
        Vector t[kWindow];
        TransformWindow(half[y], t);
        for (int x = 0; x < kWindow; ++x) Store(to + (y * kWindow + x) * point_stride + c, t[x]);
      }
    }
  }

  // The tile's outputs: Aᵀ m A, with bias and ReLU on the way forward.
  void TransformOutput(int tile, const float* from, long point_stride) const {
    const int top = tile / columns_ * kTile, left = tile % columns_ * kTile;
    for (int c = 0; c < d_.out; c += kLanes) {
      Vector half[kTile][kWindow];
      for (int x = 0; x < kWindow; ++x) {
        Vector column[kWindow], t[kTile];
        for (int y = 0; y < kWindow; ++y) column[y] = Load(from + (y * kWindow + x) * point_stride + c);
        TransformProducts(column, t);
        for (int y = 0; y < kTile; ++y) half[y][x] = t[y];
      }
      const Vector bias = d_.backward ? Zero() : Load(d_.bias + c);
      for (int i = 0; i < kTile; ++i) {
        Vector row[kTile];
        TransformProducts(half[i], row);
        const int y = top + (d_.backward ? kTile - 1 - i : i);
        if (y >= d_.height) continue;
        for (int j = 0; j < kTile; ++j) {
          const int x = left + (d_.backward ? kTile - 1 - j : j);
          if (x >= d_.width) continue;
          Store(d_.output + (static_cast<long>(y) * d_.width + x) * d_.out + c,
                d_.backward ? row[j] : Maximum(row[j] + bias, Zero()));
        }
      }
    }
  }

 private:
  const Direction& d_;
  int columns_, rows_;
};

// M[point] = V[point] · U[point] for a strip of columns.
void Multiply(const Direction& d, int point, int first_column, int last_column, int rows, const float* v, float* m) {
  alignas(64) float panel[kDepthAtOnce * kPanel];
  const float* u = d.transformed + static_cast<long>(point) * d.in * d.out;
  const int stride = d.backward ? d.in : d.out;
  for (int column = first_column; column < last_column; column += kPanel) {
    for (int k = 0; k < d.in; k += kDepthAtOnce) {
      const int depth = std::min(kDepthAtOnce, d.in - k);
      PackPanel(u, stride, d.backward, column, k, depth, panel);
      if (k == 0) MultiplyPanel<false>(rows, depth, v + k, d.in, panel, m + column, d.out);
      else MultiplyPanel<true>(rows, depth, v + k, d.in, panel, m + column, d.out);
    }
  }
}

void Run(const Direction& d) {
  static Scratch scratch;
  const TileGrid grid(d);
  const long bytes_per_tile = kPoints * static_cast<long>(d.in + d.out) * sizeof(float);
  const int fitting = static_cast<int>(kBlockBytes / bytes_per_tile) / kTilesPerTask * kTilesPerTask;
  const int whole = (grid.count() + kRowsAtOnce - 1) / kRowsAtOnce * kRowsAtOnce;
  const int block = std::min(std::max(fitting, 4 * kTilesPerTask), whole);
  // 16 floats more than needed: at a multiple of 4 KiB all points of a tile would share one set of the cache.
  const long v_stride = static_cast<long>(block) * d.in + 16, m_stride = static_cast<long>(block) * d.out + 16;
  float* v = scratch.Get(kPoints * (v_stride + m_stride));
  float* m = v + kPoints * v_stride;

  for (int first = 0; first < grid.count(); first += block) {
    const int tiles = std::min(block, grid.count() - first);
    const int rows = (tiles + kRowsAtOnce - 1) / kRowsAtOnce * kRowsAtOnce;
    const int tasks = (tiles + kTilesPerTask - 1) / kTilesPerTask;
    const int strips = (d.out + kColumnsPerTask - 1) / kColumnsPerTask;
    ParallelFor(tasks, [&](int task) {
      const int end = std::min(tiles, (task + 1) * kTilesPerTask);
      for (int t = task * kTilesPerTask; t < end; ++t) grid.TransformInput(first + t, v + static_cast<long>(t) * d.in, v_stride);
    });
    ParallelFor(kPoints * strips, [&](int task) {
      const int point = task / strips, column = task % strips * kColumnsPerTask;
      Multiply(d, point, column, std::min(d.out, column + kColumnsPerTask), rows, v + point * v_stride, m + point * m_stride);
    });
    ParallelFor(tasks, [&](int task) {
      const int end = std::min(tiles, (task + 1) * kTilesPerTask);
      for (int t = task * kTilesPerTask; t < end; ++t) grid.TransformOutput(first + t, m + static_cast<long>(t) * d.out, m_stride);
    });
  }
}

}  // namespace

void TransformKernel(const float* kernel, int inputs, int outputs, float* transformed) {
  constexpr double np = 1 / (2.0 * p2 * (p2 - q2)), nq = 1 / (2.0 * q2 * (q2 - p2));
  static const double g[6][3] = {{1 / (1.0 * p2 * q2), 0, 0}, {np, np * p, np * p2},  {np, np * -p, np * p2},
                                 {nq, nq * q, nq * q2},       {nq, nq * -q, nq * q2}, {0, 0, 1}};
  const long size = static_cast<long>(inputs) * outputs;
  ParallelFor(kPoints, [&](int point) {
    const int row = point / kWindow, column = point % kWindow;
    for (long i = 0; i < size; ++i) {
      double sum = 0;
      for (int y = 0; y < 3; ++y) {
        for (int x = 0; x < 3; ++x) sum += g[row][y] * g[column][x] * kernel[(y * 3 + x) * size + i];
      }
      transformed[point * size + i] = static_cast<float>(sum);
    }
  });
}

void Convolve(const float* input, FeatureMap shape, const float* transformed, const float* bias, int outputs, float* output) {
  Run({input, nullptr, transformed, bias, output, shape.height, shape.width, shape.channels, outputs, false});
}

void ConvolveGradient(const float* gradient, const float* output, FeatureMap shape, const float* transformed, int inputs,
                      float* input_gradient) {
  Run({gradient, output, transformed, nullptr, input_gradient, shape.height, shape.width, shape.channels, inputs, true});
}

}  // namespace nst
