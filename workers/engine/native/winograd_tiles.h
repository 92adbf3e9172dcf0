// A feature map as Winograd's tiles: windows of the input into the transformed space, products back out of it.
#pragma once

#include "vector.h"
#include "winograd_transforms.h"

namespace nst {

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

// A pixel outside the feature map, of as many channels as there may be.
constexpr int kMostChannels = 1024;
constexpr float kZeros[kMostChannels] = {};
constexpr LaneBits kClosed[kMostChannels / kLanes] = {};

// Padding between what lies a multiple of 4 KiB apart: it would all share one set of the cache.
constexpr int kPadding = 16;

// One point of all tiles of a block, [channels / width][tile, width]: what a matrix product reads lies together.
struct Panels {
  Panels(int tiles, int channels, int width)
      : width(width), panel(static_cast<long>(tiles) * width), point((channels + width - 1) / width * panel + kPadding) {}
  long at(int tile, int channel) const { return channel / width * panel + static_cast<long>(tile) * width + channel % width; }

  int width;
  long panel;  // from one panel to the next
  long point;  // from one point to the next
};

// The output in tiles of kTile × kTile, row by row.
template <int kTile>
class TileGrid {
 public:
  static constexpr int kWindow = kTile + 2;
  static constexpr int kPoints = kWindow * kWindow;

  explicit TileGrid(const Direction& d) : d_(d), columns_((d.width + kTile - 1) / kTile), rows_((d.height + kTile - 1) / kTile) {}

  int count() const { return columns_ * rows_; }

  // V[point, row, :] = Bᵀ d B of the tile's window.
  void TransformInput(int tile, int row, float* v, const Panels& panels) const {
    const int top = tile / columns_ * kTile - 1, left = tile % columns_ * kTile - 1;
    const float* from[kPoints];
    const LaneBits* mask[kPoints];
    for (int i = 0; i < kPoints; ++i) {
      // Turning window, products and outputs by 180° turns the kernel: the gradient's convolution with the same transform.
      const int position = d_.backward ? kPoints - 1 - i : i;
      const int y = top + position / kWindow, x = left + position % kWindow;
      const bool inside = y >= 0 && y < d_.height && x >= 0 && x < d_.width;
      const long offset = (static_cast<long>(y) * d_.width + x) * d_.in;
      from[i] = inside ? d_.input + offset : kZeros;
      mask[i] = inside && d_.masks ? d_.masks + offset / kLanes : kClosed;
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
        Transforms<kTile>::Window(column, t);
        for (int y = 0; y < kWindow; ++y) half[y][x] = t[y];
      }
      for (int y = 0; y < kWindow; ++y) {
        Vector t[kWindow];
        Transforms<kTile>::Window(half[y], t);
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
        Transforms<kTile>::Products(column, t);
        for (int y = 0; y < kTile; ++y) half[y][x] = t[y];
      }
      const Vector bias = d_.backward ? Zero() : Load(d_.bias + c);
      for (int i = 0; i < kTile; ++i) {
        Vector row[kTile];
        Transforms<kTile>::Products(half[i], row);
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

}  // namespace nst
