// What the kernels compute on.
#pragma once

namespace nst {

// Feature maps of some pictures of one size, one after the other; each row-major, channels last. What is computed of one
// picture does not depend on those beside it, to the last bit.
struct FeatureMap {
  int pictures, height, width, channels;
};

}  // namespace nst
