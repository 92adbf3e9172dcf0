// What the kernels compute on.
#pragma once

namespace nst {

// Row-major, channels last.
struct FeatureMap {
  int height, width, channels;
};

}  // namespace nst
