// Registers the kernels with TensorFlow, by its C API, when Node loads this file as an addon.
//
// Operations, with the name of the kind of processor that they were compiled for in place of * (all float32; feature
// maps are [1, height, width, channels]):
//   Nst*PackKernel(kernel [3, 3, in, out]) → the same numbers, as the next two take them
//   Nst*Convolution(input, packed, bias) → relu(conv + bias)
//   Nst*ConvolutionGradient(gradient, output, packed) → input gradient
//   Nst*ImageConvolution(image, kernel, bias), Nst*ImageConvolutionGradient(gradient, output, kernel)
//   Nst*Pool(input; average: bool), Nst*PoolGradient(gradient, input, output; average: bool)

#include <node_api.h>

#include <initializer_list>
#include <string>
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

void ComputePackKernel(void*, TF_OpKernelContext* context) {
  Call call(context, 1);
  const int inputs = call.Length(0, 2), outputs = call.Length(0, 3);
  if (float* to = call.Output({inputs / kKernelBlock, outputs / kKernelBlock, kKernelBlock * 9 * kKernelBlock})) {
    PackKernel(call.Input(0), inputs, outputs, to);
  }
}

void ComputeConvolution(void*, TF_OpKernelContext* context) {
  Call call(context, 3);
  const FeatureMap map = call.Map(0);
  const int outputs = call.Length(1, 1) * kKernelBlock;
  if (float* to = call.Output({1, map.height, map.width, outputs})) {
    Convolve(call.Input(0), map, call.Input(1), call.Input(2), outputs, to);
  }
}

void ComputeConvolutionGradient(void*, TF_OpKernelContext* context) {
  Call call(context, 3);
  const FeatureMap map = call.Map(0);
  const int inputs = call.Length(2, 0) * kKernelBlock;
  if (float* to = call.Output({1, map.height, map.width, inputs})) {
    ConvolveGradient(call.Input(0), call.Input(1), map, call.Input(2), inputs, to);
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

void Register(const std::string& kind, std::initializer_list<const char*> inputs, bool pools, Compute compute, TF_Status* status) {
  const std::string name = "Nst" NST_PROCESSOR + kind;
  TF_OpDefinitionBuilder* definition = TF_NewOpDefinitionBuilder(name.c_str());
  TF_OpDefinitionBuilderAddAttr(definition, "T: {float}");
  if (pools) TF_OpDefinitionBuilderAddAttr(definition, "average: bool");
  for (const char* input : inputs) TF_OpDefinitionBuilderAddInput(definition, input);
  TF_OpDefinitionBuilderAddOutput(definition, "result: T");
  TF_RegisterOpDefinition(definition, status);
  if (TF_GetCode(status) != TF_OK) return;
  TF_KernelBuilder* kernel =
      pools ? TF_NewKernelBuilder(name.c_str(), "CPU", ReadAverage, compute, DeleteAverage)
            : TF_NewKernelBuilder(name.c_str(), "CPU", nullptr, compute, nullptr);
  TF_RegisterKernelBuilder(name.c_str(), kernel, status);
}

void RegisterAll(TF_Status* status) {
  const struct {
    const char* name;
    std::initializer_list<const char*> inputs;
    bool pools;
    Compute compute;
  } kernels[] = {
      {"PackKernel", {"kernel: T"}, false, ComputePackKernel},
      {"Convolution", {"input: T", "packed: T", "bias: T"}, false, ComputeConvolution},
      {"ConvolutionGradient", {"gradient: T", "output: T", "packed: T"}, false, ComputeConvolutionGradient},
      {"ImageConvolution", {"image: T", "kernel: T", "bias: T"}, false, ComputeImageConvolution},
      {"ImageConvolutionGradient", {"gradient: T", "output: T", "kernel: T"}, false, ComputeImageConvolutionGradient},
      {"Pool", {"input: T"}, true, ComputePool},
      {"PoolGradient", {"gradient: T", "input: T", "output: T"}, true, ComputePoolGradient},
  };
  for (const auto& kernel : kernels) {
    Register(kernel.name, kernel.inputs, kernel.pools, kernel.compute, status);
    if (TF_GetCode(status) != TF_OK) return;
  }
}

}  // namespace
}  // namespace nst

// Loaded only on a processor that has the instructions. The kernels are registered once per process.
NAPI_MODULE_INIT() {
  static bool registered = false;
  if (!registered) {
    TF_Status* status = TF_NewStatus();
    nst::RegisterAll(status);
    registered = TF_GetCode(status) == TF_OK;
    if (!registered) napi_throw_error(env, nullptr, TF_Message(status));
    TF_DeleteStatus(status);
  }
  return exports;
}
