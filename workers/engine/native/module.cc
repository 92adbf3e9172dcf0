// Registers the kernels with TensorFlow, by its C API, when Node loads this file as an addon.
//
// Operations, with the name of the kind of processor that they were compiled for in place of * (feature maps are float32,
// [1, height, width, channels]; a trace is what the way back needs, as int32 bits):
//   Nst*PackKernel(kernel [3, 3, in, out]) → the same numbers, as the next two take them
//   Nst*Convolution(input, packed, bias) → relu(conv + bias), trace
//   Nst*ConvolutionGradient(gradient, trace, packed) → input gradient
//   Nst*ImageConvolution(image in RGB, [0, 1]; kernel, bias) → relu(conv + bias) of what VGG-19 expects, trace
//   Nst*ImageConvolutionGradient(gradient, trace, kernel) → image gradient
//   Nst*Pool(input; average: bool) → output, trace
//   Nst*PoolGradient(gradient, trace; average: bool, height: int, width: int) → input gradient
//   Nst*GramMatrix(features of one picture) → AᵀA [channels, channels]
//   Nst*ChannelProduct(features of one picture, matrix [channels, channels]) → A·matrix

#include <node_api.h>

#include <initializer_list>
#include <string>
#include <vector>

#include "channel_product.h"
#include "gram.h"
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
    for (TF_Tensor* tensor : outputs_) TF_DeleteTensor(tensor);
    TF_DeleteStatus(status_);
  }

  bool ok() const { return TF_GetCode(status_) == TF_OK; }
  const float* Input(int i) const { return static_cast<const float*>(TF_TensorData(inputs_[i])); }
  int Length(int i, int axis) const { return static_cast<int>(TF_Dim(inputs_[i], axis)); }
  const LaneBits* Bits(int i) const { return static_cast<const LaneBits*>(TF_TensorData(inputs_[i])); }
  FeatureMap Map(int i) const { return {Length(i, 1), Length(i, 2), Length(i, 3)}; }

  // Null where there is no memory: the failure is reported to TensorFlow.
  float* Output(std::initializer_list<int64_t> shape) {
    size_t floats = 1;
    for (int64_t length : shape) floats *= static_cast<size_t>(length);
    return static_cast<float*>(Allocate(TF_FLOAT, shape, sizeof(float) * floats));
  }
  // One bit for each of `count` numbers, the second output.
  LaneBits* Trace(int64_t count) {
    if (!ok()) return nullptr;
    const int64_t words = (count + 31) / 32;
    return static_cast<LaneBits*>(Allocate(TF_INT32, {words}, sizeof(int32_t) * static_cast<size_t>(words)));
  }

 private:
  void* Allocate(TF_DataType type, std::initializer_list<int64_t> shape, size_t bytes) {
    const int index = static_cast<int>(outputs_.size());
    outputs_.push_back(
        TF_AllocateOutput(context_, index, type, shape.begin(), static_cast<int>(shape.size()), bytes, status_));
    return ok() ? TF_TensorData(outputs_.back()) : nullptr;
  }

  TF_OpKernelContext* context_;
  TF_Status* status_;
  std::vector<TF_Tensor*> inputs_, outputs_;
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
  const int64_t outputs = call.Length(1, 1) * kKernelBlock;
  float* to = call.Output({1, map.height, map.width, outputs});
  if (LaneBits* open = call.Trace(outputs * map.height * map.width)) {
    Convolve(call.Input(0), map, call.Input(1), call.Input(2), static_cast<int>(outputs), to, open);
  }
}

void ComputeConvolutionGradient(void*, TF_OpKernelContext* context) {
  Call call(context, 3);
  const FeatureMap map = call.Map(0);
  const int inputs = call.Length(2, 0) * kKernelBlock;
  if (float* to = call.Output({1, map.height, map.width, inputs})) {
    ConvolveGradient(call.Input(0), call.Bits(1), map, call.Input(2), inputs, to);
  }
}

void ComputeImageConvolution(void*, TF_OpKernelContext* context) {
  Call call(context, 3);
  const FeatureMap map = call.Map(0);
  const int64_t outputs = call.Length(1, 3);
  float* to = call.Output({1, map.height, map.width, outputs});
  if (LaneBits* open = call.Trace(outputs * map.height * map.width)) {
    ConvolveImage(call.Input(0), map, call.Input(1), call.Input(2), static_cast<int>(outputs), to, open);
  }
}

void ComputeImageConvolutionGradient(void*, TF_OpKernelContext* context) {
  Call call(context, 3);
  const FeatureMap map = call.Map(0);
  if (float* to = call.Output({1, map.height, map.width, 3})) {
    ConvolveImageGradient(call.Input(0), call.Bits(1), map, call.Input(2), to);
  }
}

void ComputeGramMatrix(void*, TF_OpKernelContext* context) {
  Call call(context, 1);
  const FeatureMap map = call.Map(0);
  if (float* to = call.Output({map.channels, map.channels})) GramMatrix(call.Input(0), map, to);
}

void ComputeChannelProduct(void*, TF_OpKernelContext* context) {
  Call call(context, 2);
  const FeatureMap map = call.Map(0);
  if (float* to = call.Output({1, map.height, map.width, map.channels})) {
    ChannelProduct(call.Input(0), map, call.Input(1), to);
  }
}

// The attributes of a pooling and its gradient.
struct Pooling {
  bool average;
  int height, width;  // of the input, for the gradient
};

void ComputePool(void* attributes, TF_OpKernelContext* context) {
  Call call(context, 1);
  const auto& pooling = *static_cast<Pooling*>(attributes);
  const FeatureMap map = call.Map(0);
  const int64_t height = map.height / 2, width = map.width / 2;
  float* to = call.Output({1, height, width, map.channels});
  const int64_t windows = pooling.average ? 0 : height * width;
  if (LaneBits* taken = call.Trace(4 * windows * map.channels); call.ok()) {
    Pool(call.Input(0), map, pooling.average, to, taken);
  }
}

void ComputePoolGradient(void* attributes, TF_OpKernelContext* context) {
  Call call(context, 2);
  const auto& [average, height, width] = *static_cast<Pooling*>(attributes);
  const FeatureMap map{height, width, call.Length(0, 3)};
  if (float* to = call.Output({1, height, width, map.channels})) {
    PoolGradient(call.Input(0), call.Bits(1), map, average, to);
  }
}

void* ReadPooling(TF_OpKernelConstruction* construction) {
  TF_Status* status = TF_NewStatus();
  unsigned char average = 0;
  int64_t height = 0, width = 0;
  TF_OpKernelConstruction_GetAttrBool(construction, "average", &average, status);
  TF_OpKernelConstruction_GetAttrInt64(construction, "height", &height, status);
  TF_OpKernelConstruction_GetAttrInt64(construction, "width", &width, status);
  if (TF_GetCode(status) != TF_OK) TF_OpKernelConstruction_Failure(construction, status);
  TF_DeleteStatus(status);
  return new Pooling{average != 0, static_cast<int>(height), static_cast<int>(width)};
}

void DeletePooling(void* attributes) { delete static_cast<Pooling*>(attributes); }

using Compute = void (*)(void*, TF_OpKernelContext*);

struct Kind {
  const char* name;
  std::initializer_list<const char*> inputs;
  bool has_trace;  // a second output
  bool pools;
  Compute compute;
};

void Register(const Kind& kind, TF_Status* status) {
  const std::string name = std::string("Nst" NST_PROCESSOR) + kind.name;
  TF_OpDefinitionBuilder* definition = TF_NewOpDefinitionBuilder(name.c_str());
  TF_OpDefinitionBuilderAddAttr(definition, "T: {float}");
  if (kind.pools) {
    for (const char* attribute : {"average: bool", "height: int = 0", "width: int = 0"}) {
      TF_OpDefinitionBuilderAddAttr(definition, attribute);
    }
  }
  for (const char* input : kind.inputs) TF_OpDefinitionBuilderAddInput(definition, input);
  TF_OpDefinitionBuilderAddOutput(definition, "result: T");
  if (kind.has_trace) TF_OpDefinitionBuilderAddOutput(definition, "trace: int32");
  TF_RegisterOpDefinition(definition, status);
  if (TF_GetCode(status) != TF_OK) return;
  TF_KernelBuilder* kernel = kind.pools
                                 ? TF_NewKernelBuilder(name.c_str(), "CPU", ReadPooling, kind.compute, DeletePooling)
                                 : TF_NewKernelBuilder(name.c_str(), "CPU", nullptr, kind.compute, nullptr);
  TF_RegisterKernelBuilder(name.c_str(), kernel, status);
}

void RegisterAll(TF_Status* status) {
  const Kind kinds[] = {
      {"PackKernel", {"kernel: T"}, false, false, ComputePackKernel},
      {"Convolution", {"input: T", "packed: T", "bias: T"}, true, false, ComputeConvolution},
      {"ConvolutionGradient", {"gradient: T", "trace: int32", "packed: T"}, false, false, ComputeConvolutionGradient},
      {"ImageConvolution", {"image: T", "kernel: T", "bias: T"}, true, false, ComputeImageConvolution},
      {"ImageConvolutionGradient", {"gradient: T", "trace: int32", "kernel: T"}, false, false, ComputeImageConvolutionGradient},
      {"Pool", {"input: T"}, true, true, ComputePool},
      {"PoolGradient", {"gradient: T", "trace: int32"}, false, true, ComputePoolGradient},
      {"GramMatrix", {"features: T"}, false, false, ComputeGramMatrix},
      {"ChannelProduct", {"features: T", "matrix: T"}, false, false, ComputeChannelProduct},
  };
  for (const Kind& kind : kinds) {
    Register(kind, status);
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
