// Memory that is kept between calls; a step would otherwise ask the system for it anew at every layer.
#pragma once

#include <algorithm>
#include <cstdlib>

#ifdef __linux__
#include <sys/mman.h>
#endif

namespace nst {

class Scratch {
 public:
  // What it holds is not kept when it grows.
  float* Get(long floats) {
    if (floats > size_) {
      std::free(memory_);
      size_ = (floats * static_cast<long>(sizeof(float)) + kHugePage - 1) / kHugePage * kHugePage / sizeof(float);
      memory_ = static_cast<float*>(std::aligned_alloc(kHugePage, size_ * sizeof(float)));
#ifdef __linux__
      // The transforms write to 36 places in turn, more than the processor keeps small pages' addresses of.
      madvise(memory_, size_ * sizeof(float), MADV_HUGEPAGE);
#endif
      std::fill(memory_, memory_ + size_, 0.0f);
    }
    return memory_;
  }

 private:
  static constexpr long kHugePage = 2 << 20;
  float* memory_ = nullptr;
  long size_ = 0;
};

}  // namespace nst
