// A loop over all cores. TensorFlow's own thread pool is not reachable through its C API.
#pragma once

#include <functional>

namespace nst {

// Calls body(0) … body(count − 1), each once, on all cores; returns when all are done. Not reentrant.
void ParallelFor(int count, const std::function<void(int)>& body);

// How many there are.
int Cores();

}  // namespace nst
