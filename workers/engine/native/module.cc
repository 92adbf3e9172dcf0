// Registers the kernels with TensorFlow, by its C API, when Node loads this file as an addon.
//
// Operations (all float32; feature maps are [1, height, width, channels]):
//   NstTransformKernel(kernel [3, 3, in, out]) → [36, in, out]
//   NstConvolution(input, transformed, bias) → relu(conv + bias)
//   NstConvolutionGradient(gradient, output, transformed) → input gradient
//   NstImageConvolution(image, kernel, bias), NstImageConvolutionGradient(gradient, output, kernel)
//   NstPool(input; average: bool), NstPoolGradient(gradient, input, output; average: bool)

#include <node_api.h>

#include <initializer_list>
#include <vector>

#include "image_convolution.h"
#include "pooling.h"
#include "tensorflow/c/kernels.h"
#include "tensorflow/c/ops.h"
#include "tensorflow/c/tf_status.h"
#include "winograd.h"

namespace nst {
namespace {

// The inputs and outputs of one call.
class Call {
 public:
  Call(TF_OpKernelContext* context, int inputs) : context_(context), status_(TF_NewStatus()) {
    for (int i = 0; i < inputs; ++i) {
      TF_Tensor* tensor = nullptr;
      TF_GetInput(context, i, &tensor, status_);
      inputs_.push_back(tensor);
    }
  }
  ~Call() {
    if (TF_GetCode(status_) != TF_OK) TF_OpKernelContext_Failure(context_, status_);
    for (TF_Tensor* tensor : inputs_) TF_DeleteTensor(tensor);
    TF_DeleteTensor(output_);
    TF_DeleteStatus(status_);
  }

  bool ok() const { return TF_GetCode(status_) == TF_OK; }
  const float* Input(int i) const { return static_cast<const float*>(TF_TensorData(inputs_[i])); }
  int Length(int i, int axis) const { return static_cast<int>(TF_Dim(inputs_[i], axis)); }
  FeatureMap Map(int i) const { return {Length(i, 1), Length(i, 2), Length(i, 3)}; }

  // Null where there is no memory: the failure is reported to TensorFlow.
  float* Output(std::initializer_list<int64_t> shape) {
    size_t bytes = sizeof(float);
    for (int64_t length : shape) bytes *= static_cast<size_t>(length);
    output_ = TF_AllocateOutput(context_, 0, TF_FLOAT, shape.begin(), static_cast<int>(shape.size()), bytes, status_);
    return ok() ? static_cast<float*>(TF_TensorData(output_)) : nullptr;
  }

 private:
  TF_OpKernelContext* context_;
  TF_Status* status_;
  std::vector<TF_Tensor*> inputs_;
  TF_Tensor* output_ = nullptr;
};

void ComputeTransformKernel(void*, TF_OpKernelContext* context) {
  Call call(context, 1);
  if (float* to = call.Output({kPoints, call.Length(0, 2), call.Length(0, 3)})) {
    TransformKernel(call.Input(0), call.Length(0, 2), call.Length(0, 3), to);
  }
}

void ComputeConvolution(void*, TF_OpKernelContext* context) {
  Call call(context, 3);
  const FeatureMap map = call.Map(0);
  if (float* to = call.Output({1, map.height, map.width, call.Length(1, 2)})) {
    Convolve(call.Input(0), map, call.Input(1), call.Input(2), call.Length(1, 2), to);
  }
}

void ComputeConvolutionGradient(void*, TF_OpKernelContext* context) {
  Call call(context, 3);
  const FeatureMap map = call.Map(0);
  if (float* to = call.Output({1, map.height, map.width, call.Length(2, 1)})) {
    ConvolveGradient(call.Input(0), call.Input(1), map, call.Input(2), call.Length(2, 1), to);
  }
}

void ComputeImageConvolution(void*, TF_OpKernelContext* context) {
  Call call(context, 3);
  const FeatureMap map = call.Map(0);
  if (float* to = call.Output({1, map.height, map.width, call.Length(1, 3)})) {
    ConvolveImage(call.Input(0), map.height, map.width, call.Input(1), call.Input(2), call.Length(1, 3), to);
  }
}

void ComputeImageConvolutionGradient(void*, TF_OpKernelContext* context) {
  Call call(context, 3);
  const FeatureMap map = call.Map(0);
  if (float* to = call.Output({1, map.height, map.width, 3})) {
    ConvolveImageGradient(call.Input(0), call.Input(1), map.height, map.width, call.Input(2), map.channels, to);
  }
}

void ComputePool(void* average, TF_OpKernelContext* context) {
  Call call(context, 1);
  const FeatureMap map = call.Map(0);
  if (float* to = call.Output({1, map.height / 2, map.width / 2, map.channels})) {
    Pool(call.Input(0), map.height, map.width, map.channels, *static_cast<bool*>(average), to);
  }
}

void ComputePoolGradient(void* average, TF_OpKernelContext* context) {
  Call call(context, 3);
  const FeatureMap map = call.Map(1);
  if (float* to = call.Output({1, map.height, map.width, map.channels})) {
    PoolGradient(call.Input(0), call.Input(1), call.Input(2), map.height, map.width, map.channels,
                 *static_cast<bool*>(average), to);
  }
}

void* ReadAverage(TF_OpKernelConstruction* construction) {
  TF_Status* status = TF_NewStatus();
  unsigned char value = 0;
  TF_OpKernelConstruction_GetAttrBool(construction, "average", &value, status);
  if (TF_GetCode(status) != TF_OK) TF_OpKernelConstruction_Failure(construction, status);
  TF_DeleteStatus(status);
  return new bool(value != 0);
}

void DeleteAverage(void* average) { delete static_cast<bool*>(average); }

using Compute = void (*)(void*, TF_OpKernelContext*);

void Register(const char* name, std::initializer_list<const char*> inputs, bool pools, Compute compute, TF_Status* status) {
  TF_OpDefinitionBuilder* definition = TF_NewOpDefinitionBuilder(name);
  TF_OpDefinitionBuilderAddAttr(definition, "T: {float}");
  if (pools) TF_OpDefinitionBuilderAddAttr(definition, "average: bool");
  for (const char* input : inputs) TF_OpDefinitionBuilderAddInput(definition, input);
  TF_OpDefinitionBuilderAddOutput(definition, "result: T");
  TF_RegisterOpDefinition(definition, status);
  if (TF_GetCode(status) != TF_OK) return;
  TF_KernelBuilder* kernel =
      pools ? TF_NewKernelBuilder(name, "CPU", ReadAverage, compute, DeleteAverage)
            : TF_NewKernelBuilder(name, "CPU", nullptr, compute, nullptr);
  TF_RegisterKernelBuilder(name, kernel, status);
}

bool RunsHere() {
#if defined(__x86_64__)
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#else
  return true;
#endif
}

void RegisterAll(TF_Status* status) {
  const struct {
    const char* name;
    std::initializer_list<const char*> inputs;
    bool pools;
    Compute compute;
  } kernels[] = {
      {"NstTransformKernel", {"kernel: T"}, false, ComputeTransformKernel},
      {"NstConvolution", {"input: T", "transformed: T", "bias: T"}, false, ComputeConvolution},
      {"NstConvolutionGradient", {"gradient: T", "output: T", "transformed: T"}, false, ComputeConvolutionGradient},
      {"NstImageConvolution", {"image: T", "kernel: T", "bias: T"}, false, ComputeImageConvolution},
      {"NstImageConvolutionGradient", {"gradient: T", "output: T", "kernel: T"}, false, ComputeImageConvolutionGradient},
      {"NstPool", {"input: T"}, true, ComputePool},
      {"NstPoolGradient", {"gradient: T", "input: T", "output: T"}, true, ComputePoolGradient},
  };
  for (const auto& kernel : kernels) {
    Register(kernel.name, kernel.inputs, kernel.pools, kernel.compute, status);
    if (TF_GetCode(status) != TF_OK) return;
  }
}

}  // namespace
}  // namespace nst

// exports.available: whether this processor runs the kernels. They are registered once per process.
NAPI_MODULE_INIT() {
  static const bool runs_here = nst::RunsHere();
  static bool registered = false;
  if (runs_here && !registered) {
    TF_Status* status = TF_NewStatus();
    nst::RegisterAll(status);
    registered = TF_GetCode(status) == TF_OK;
    if (!registered) napi_throw_error(env, nullptr, TF_Message(status));
    TF_DeleteStatus(status);
  }
  napi_value available;
  napi_get_boolean(env, runs_here && registered, &available);
  napi_set_named_property(env, exports, "available", available);
  return exports;
}
