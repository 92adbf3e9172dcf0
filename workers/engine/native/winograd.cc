#include "winograd.h"

#include <algorithm>
#include <functional>
#include <vector>

#include "matrix_product.h"
#include "parallel.h"
#include "scratch.h"
#include "vector.h"
#include "winograd_kernel.h"
#include "winograd_tiles.h"

namespace nst {
namespace {

// Layers of at most so many inputs take tiles of 2 × 2 on the way forward, all else tiles of 4 × 4.
//
// Rounding decides on which side of a ReLU's or a pooling window's edge a number falls, and each such decision is a jump in
// the gradient. Five sixths of what they amount to come from layers of at most 128 inputs, which have most of the pixels;
// there smaller tiles halve the rounding error and take 1.6 times as long. The way back decides nothing.
constexpr int kFewInputs = 128;
// Depth of a piece of the transformed kernel: up to 36 panels of it stay in a core's own cache (590 KiB, or half for 8 lanes).
constexpr int kDepthAtOnce = 128;
constexpr int kTilesPerTask = 24;
// V and M of a block: what a core keeps to itself, and what all share.
constexpr long kOwnBlockBytes = 1200 << 10, kSharedBlockBytes = 16 << 20;
// From so many blocks for each core on, each takes its own.
constexpr int kOwnBlocks = 3;

// What each thread keeps between calls: of a block, and of a piece of the transformed kernel.
Scratch& BlockMemory() {
  thread_local Scratch scratch;
  return scratch;
}
Scratch& PieceMemory() {
  thread_local Scratch scratch;
  return scratch;
}

// Transformed windows V [points][tile, in] and products M [points][tile, out] of some tiles that follow each other.
template <int kTile>
struct Block {
  static constexpr int kPoints = TileGrid<kTile>::kPoints;

  Block(const Direction& d, int tiles) : of_v(tiles, d.in, std::min(kDepthAtOnce, d.in)), of_m(tiles, d.out, kPanel) {}
  long floats() const { return kPoints * (of_v.point + of_m.point); }

  Panels of_v, of_m;
  float* v = nullptr;
  float* m = nullptr;
};

// M[point] = V[point] · U[point] for a panel of columns and some rows.
template <int kTile>
void Multiply(const Direction& d, const Block<kTile>& block, int column, int first_row, int rows) {
  constexpr int kPoints = TileGrid<kTile>::kPoints;
  constexpr int kTerms = kTile == 2 ? 16 : 32;  // half as many round less, and take 7 to 12 % more time
  constexpr long stride = kDepthAtOnce * kPanel + kPadding;
  float* piece = PieceMemory().Get(kPoints * stride);
  const int columns = std::min(kPanel, d.out - column);
  for (int k = 0; k < d.in; k += kDepthAtOnce) {
    const int depth = std::min(kDepthAtOnce, d.in - k);
    TransformPiece<kTile>(d, column, columns, k, depth, piece, stride);
    const auto multiply = k == 0 ? (columns == kPanel ? MultiplyPanel<kTerms, false, 2> : MultiplyPanel<kTerms, false, 1>)
                                 : (columns == kPanel ? MultiplyPanel<kTerms, true, 2> : MultiplyPanel<kTerms, true, 1>);
    for (int point = 0; point < kPoints; ++point) {
      multiply(rows, depth, block.v + point * block.of_v.point + block.of_v.at(first_row, k), block.of_v.width,
               piece + point * stride, block.m + point * block.of_m.point + block.of_m.at(first_row, column),
               block.of_m.width);
    }
  }
}

inline int RoundUp(int value, int multiple) { return (value + multiple - 1) / multiple * multiple; }

// Tiles `first` … of one block: all cores together, or one alone.
template <int kTile>
void RunBlock(const Direction& d, const TileGrid<kTile>& grid, const Block<kTile>& block, int first, int tiles, bool together) {
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
template <int kTile>
void Run(const Direction& d) {
  constexpr int kPoints = TileGrid<kTile>::kPoints;
  const TileGrid<kTile> grid(d);
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
    Block<kTile> block(d, size);
    block.v = BlockMemory().Get(block.floats());
    block.m = block.v + kPoints * block.of_v.point;
    RunBlock<kTile>(d, grid, block, index * size, std::min(size, grid.count() - index * size), together);
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
  const auto run = shape.channels <= kFewInputs ? Run<2> : Run<4>;
  run({input, nullptr, kernel, bias, output, open, shape.height, shape.width, shape.channels, outputs, false});
}

void ConvolveGradient(const float* gradient, const LaneBits* open, FeatureMap shape, const float* kernel, int inputs,
                      float* input_gradient) {
  Run<4>({gradient, open, kernel, nullptr, input_gradient, nullptr, shape.height, shape.width, shape.channels, inputs, true});
}

}  // namespace nst
