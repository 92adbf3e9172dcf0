#include "winograd.h"

#include <algorithm>
#include <functional>
#include <vector>

#include "matrix_product.h"
#include "parallel.h"
#include "scratch.h"
#include "transpose.h"
#include "vector.h"

namespace nst {
namespace {

constexpr int kTile = 4;    // outputs of a tile, along an edge
constexpr int kWindow = 6;  // inputs of a tile, along an edge
// Depth of a piece of the transformed kernel: 36 panels of it stay in a core's own cache (590 KiB, or half for 8 lanes).
constexpr int kDepthAtOnce = 128;
constexpr int kTilesPerTask = 24;
// V and M of a block: what a core keeps to itself, and what all share.
constexpr long kOwnBlockBytes = 1200 << 10, kSharedBlockBytes = 16 << 20;
// From so many blocks for each core on, each takes its own.
constexpr int kOwnBlocks = 3;
// Padding between what lies a multiple of 4 KiB apart: it would all share one set of the cache.
constexpr int kPadding = 16;

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

struct Direction {
  const float* input;        // [h, w, in]
  const LaneBits* masks;     // lets the input through where given (backward)
  const float* kernel;       // packed
  const float* bias;         // forward
  float* output;             // [h, w, out]
  LaneBits* open;            // where the output is above 0 (forward)
  int height, width, in, out;
  bool backward;             // kernel transposed, windows and outputs turned by 180°
};

// One point of all tiles of a block, [channels / width][tile, width]: what a matrix product reads lies together.
struct Panels {
  Panels(int tiles, int channels, int width)
      : width(width), panel(static_cast<long>(tiles) * width), point((channels + width - 1) / width * panel + kPadding) {}
  long at(int tile, int channel) const { return channel / width * panel + static_cast<long>(tile) * width + channel % width; }

  int width;
  long panel;  // from one panel to the next
  long point;  // from one of the 36 points to the next
};

class TileGrid {
 public:
  explicit TileGrid(const Direction& d) : d_(d), columns_((d.width + kTile - 1) / kTile), rows_((d.height + kTile - 1) / kTile) {}

  int count() const { return columns_ * rows_; }

  // V[point, row, :] = Bᵀ d B of the tile's window.
  void TransformInput(int tile, int row, float* v, const Panels& panels) const {
    static const std::vector<float> zeros(1024, 0.0f);
    static const LaneBits closed[1024 / kLanes] = {};
    const int top = tile / columns_ * kTile - 1, left = tile % columns_ * kTile - 1;
    const float* from[kPoints];
    const LaneBits* mask[kPoints];
    for (int i = 0; i < kPoints; ++i) {
      // Turning window, products and outputs by 180° turns the kernel: the gradient's convolution with the same transform.
      const int position = d_.backward ? kPoints - 1 - i : i;
      const int y = top + position / kWindow, x = left + position % kWindow;
      const bool inside = y >= 0 && y < d_.height && x >= 0 && x < d_.width;
      const long offset = (static_cast<long>(y) * d_.width + x) * d_.in;
      from[i] = inside ? d_.input + offset : zeros.data();
      mask[i] = inside && d_.masks ? d_.masks + offset / kLanes : closed;
    }
    for (int c = 0; c < d_.in; c += kLanes) {
      float* to = v + panels.at(row, c);
      Vector half[kWindow][kWindow];
      for (int x = 0; x < kWindow; ++x) {
        Vector column[kWindow], t[kWindow];
        for (int y = 0; y < kWindow; ++y) {
          const int i = y * kWindow + x;
          column[y] = d_.masks ? Select(Load(from[i] + c), mask[i][c / kLanes]) : Load(from[i] + c);
        }
        TransformWindow(column, t);
        for (int y = 0; y < kWindow; ++y) half[y][x] = t[y];
      }
      for (int y = 0; y < kWindow; ++y) {
        Vector t[kWindow];
        TransformWindow(half[y], t);
        for (int x = 0; x < kWindow; ++x) Store(to + (y * kWindow + x) * panels.point, t[x]);
      }
    }
  }

  // The tile's outputs: Aᵀ m A, with bias and ReLU on the way forward.
  void TransformOutput(int tile, int row, const float* m, const Panels& panels) const {
    const int top = tile / columns_ * kTile, left = tile % columns_ * kTile;
    for (int c = 0; c < d_.out; c += kLanes) {
      const float* from = m + panels.at(row, c);
      Vector half[kTile][kWindow];
      for (int x = 0; x < kWindow; ++x) {
        Vector column[kWindow], t[kTile];
        for (int y = 0; y < kWindow; ++y) column[y] = Load(from + (y * kWindow + x) * panels.point);
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
          const long offset = (static_cast<long>(y) * d_.width + x) * d_.out + c;
          if (d_.backward) {
            Store(d_.output + offset, row[j]);
          } else {
            const Vector sum = row[j] + bias;
            Store(d_.output + offset, Maximum(sum, Zero()));
            d_.open[offset / kLanes] = BitsOf(sum > Zero());
          }
        }
      }
    }
  }

 private:
  const Direction& d_;
  int columns_, rows_;
};

// G g, one column of a kernel.
inline void TransformColumn(const Vector g[3], Vector t[6]) {
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

// G g Gᵀ of kLanes kernels, each point `stride` after the one before.
inline void TransformTaps(const Vector g[9], float* to, long stride) {
  Vector half[kWindow][3];
  for (int x = 0; x < 3; ++x) {
    const Vector column[3] = {g[x], g[3 + x], g[6 + x]};
    Vector t[kWindow];
    TransformColumn(column, t);
    for (int y = 0; y < kWindow; ++y) half[y][x] = t[y];
  }
  for (int y = 0; y < kWindow; ++y) {
    Vector t[kWindow];
    TransformColumn(half[y], t);
    for (int x = 0; x < kWindow; ++x) Store(to + (y * kWindow + x) * stride, t[x]);
  }
}

// A piece of the transformed kernel, made where it is used: [36][depth, columns], columns side by side. Kept whole it
// would be four times the kernel, and reading it from memory takes longer than making it.
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
        TransformTaps(taps, piece + (k + lane) * columns + c, stride);
      }
    }
  }
}

// Transformed windows V [36][tile, in] and products M [36][tile, out] of some tiles that follow each other.
struct Block {
  Block(const Direction& d, int tiles) : of_v(tiles, d.in, std::min(kDepthAtOnce, d.in)), of_m(tiles, d.out, kPanel) {}
  long floats() const { return kPoints * (of_v.point + of_m.point); }

  Panels of_v, of_m;
  float* v = nullptr;
  float* m = nullptr;
};

// M[point] = V[point] · U[point] for a panel of columns and some rows.
void Multiply(const Direction& d, const Block& block, int column, int first_row, int rows) {
  thread_local Scratch scratch;
  constexpr long stride = kDepthAtOnce * kPanel + kPadding;
  float* piece = scratch.Get(kPoints * stride);
  const int columns = std::min(kPanel, d.out - column);
  for (int k = 0; k < d.in; k += kDepthAtOnce) {
    const int depth = std::min(kDepthAtOnce, d.in - k);
    TransformPiece(d, column, columns, k, depth, piece, stride);
    const auto multiply = k == 0 ? (columns == kPanel ? MultiplyPanel<false, 2> : MultiplyPanel<false, 1>)
                                 : (columns == kPanel ? MultiplyPanel<true, 2> : MultiplyPanel<true, 1>);
    for (int point = 0; point < kPoints; ++point) {
      multiply(rows, depth, block.v + point * block.of_v.point + block.of_v.at(first_row, k), block.of_v.width,
               piece + point * stride, block.m + point * block.of_m.point + block.of_m.at(first_row, column),
               block.of_m.width);
    }
  }
}

inline int RoundUp(int value, int multiple) { return (value + multiple - 1) / multiple * multiple; }

// Tiles `first` … of one block: all cores together, or one alone.
void RunBlock(const Direction& d, const TileGrid& grid, const Block& block, int first, int tiles, bool together) {
  const auto each = [together](int count, const std::function<void(int)>& body) {
    if (together) return ParallelFor(count, body);
    for (int i = 0; i < count; ++i) body(i);
  };
  const int tasks = (tiles + kTilesPerTask - 1) / kTilesPerTask;
  each(tasks, [&](int task) {
    const int end = std::min(tiles, (task + 1) * kTilesPerTask);
    for (int t = task * kTilesPerTask; t < end; ++t) grid.TransformInput(first + t, t, block.v, block.of_v);
  });
  const int panels = (d.out + kPanel - 1) / kPanel;
  // Where there are more cores than panels, several share one and transform its kernel each for itself.
  const int shares = together ? std::min((2 * Cores() + panels - 1) / panels, (tiles + 47) / 48) : 1;
  const int share = RoundUp((tiles + shares - 1) / shares, kRowsAtOnce);
  each(panels * shares, [&](int task) {
    const int row = task % shares * share;
    const int rows = std::min(share, RoundUp(tiles, kRowsAtOnce) - row);
    if (rows > 0) Multiply(d, block, task / shares * kPanel, row, rows);
  });
  each(tasks, [&](int task) {
    const int end = std::min(tiles, (task + 1) * kTilesPerTask);
    for (int t = task * kTilesPerTask; t < end; ++t) grid.TransformOutput(first + t, t, block.m, block.of_m);
  });
}

// Tiles are worked at in blocks whose V and M stay in a cache. Where there are many blocks each core takes its own; else
// all cores share one, since a block of few tiles would transform the kernel for little use.
void Run(const Direction& d) {
  const TileGrid grid(d);
  const long bytes_per_tile = kPoints * static_cast<long>(d.in + d.out) * sizeof(float);
  const auto tiles_in = [&](long bytes) {
    return std::min(RoundUp(grid.count(), kRowsAtOnce),
                    std::max(static_cast<int>(bytes / bytes_per_tile) / kTilesPerTask, 2) * kTilesPerTask);
  };
  const int own = tiles_in(kOwnBlockBytes);
  const bool together = grid.count() < kOwnBlocks * own * Cores();
  const int size = together ? tiles_in(kSharedBlockBytes) : own;
  const int blocks = (grid.count() + size - 1) / size;
  const auto run = [&](int index) {
    thread_local Scratch scratch;
    Block block(d, size);
    block.v = scratch.Get(block.floats());
    block.m = block.v + kPoints * block.of_v.point;
    RunBlock(d, grid, block, index * size, std::min(size, grid.count() - index * size), together);
  };
  if (!together) return ParallelFor(blocks, run);
  for (int index = 0; index < blocks; ++index) run(index);
}

}  // namespace

void PackKernel(const float* kernel, int inputs, int outputs, float* packed) {
  ParallelFor(inputs / kKernelBlock, [&](int block) {
    float* to = packed + static_cast<long>(block) * kKernelBlock * 9 * outputs;
    for (int first = 0; first < outputs; first += kKernelBlock) {
      for (int input = block * kKernelBlock; input < (block + 1) * kKernelBlock; ++input) {
        for (int tap = 0; tap < 9; ++tap, to += kKernelBlock) {
          std::copy_n(kernel + (static_cast<long>(tap) * inputs + input) * outputs + first, kKernelBlock, to);
        }
      }
    }
  });
}

void Convolve(const float* input, FeatureMap shape, const float* kernel, const float* bias, int outputs, float* output,
              LaneBits* open) {
  Run({input, nullptr, kernel, bias, output, open, shape.height, shape.width, shape.channels, outputs, false});
}

void ConvolveGradient(const float* gradient, const LaneBits* open, FeatureMap shape, const float* kernel, int inputs,
                      float* input_gradient) {
  Run({gradient, open, kernel, nullptr, input_gradient, nullptr, shape.height, shape.width, shape.channels, inputs, true});
}

}  // namespace nst
