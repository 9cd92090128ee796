// TensorFlow's C API for operations, as far as this folder uses it. All tensors are float32.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tensorflow/c/kernels.h"
#include "tensorflow/c/ops.h"
#include "tensorflow/c/tf_tensor.h"

namespace diptych {

using Dims = std::vector<int64_t>;

// Rows of a tensor whose last axis is its channels.
inline int64_t RowsOf(const Dims& dims) {
  int64_t rows = 1;
  for (size_t i = 0; i + 1 < dims.size(); i++) rows *= dims[i];
  return rows;
}

// One input, read only.
struct Input {
  const float* data;
  Dims dims;
};

// The inputs and outputs of one call; what it holds is released at its end.
class Call {
 public:
  explicit Call(TF_OpKernelContext* context) : context_(context), status_(TF_NewStatus()) {}
  Call(const Call&) = delete;
  ~Call() {
    for (TF_Tensor* tensor : held_) TF_DeleteTensor(tensor);
    TF_DeleteStatus(status_);
  }

  Input In(int i) {
    TF_Tensor* tensor = nullptr;
    TF_GetInput(context_, i, &tensor, status_);
    held_.push_back(tensor);
    Dims dims(TF_NumDims(tensor));
    for (size_t axis = 0; axis < dims.size(); axis++) dims[axis] = TF_Dim(tensor, int(axis));
    return {static_cast<const float*>(TF_TensorData(tensor)), dims};
  }

  float* Out(int i, const Dims& dims) {
    int64_t count = 1;
    for (int64_t dim : dims) count *= dim;
    TF_Tensor* tensor =
        TF_AllocateOutput(context_, i, TF_FLOAT, dims.data(), int(dims.size()), 4 * count, status_);
    held_.push_back(tensor);
    return static_cast<float*>(TF_TensorData(tensor));
  }

  void Fail(const char* message) {
    TF_SetStatus(status_, TF_INVALID_ARGUMENT, message);
    TF_OpKernelContext_Failure(context_, status_);
  }

 private:
  TF_OpKernelContext* context_;
  TF_Status* status_;
  std::vector<TF_Tensor*> held_;
};

class Attributes {
 public:
  explicit Attributes(TF_OpKernelConstruction* context) : context_(context), status_(TF_NewStatus()) {}
  Attributes(const Attributes&) = delete;
  ~Attributes() {
    if (TF_GetCode(status_) != TF_OK) TF_OpKernelConstruction_Failure(context_, status_);
    TF_DeleteStatus(status_);
  }

  int64_t Int(const char* name) {
    int64_t value = 0;
    TF_OpKernelConstruction_GetAttrInt64(context_, name, &value, status_);
    return value;
  }
  float Float(const char* name) {
    float value = 0;
    TF_OpKernelConstruction_GetAttrFloat(context_, name, &value, status_);
    return value;
  }
  bool Bool(const char* name) {
    unsigned char value = 0;
    TF_OpKernelConstruction_GetAttrBool(context_, name, &value, status_);
    return value != 0;
  }

 private:
  TF_OpKernelConstruction* context_;
  TF_Status* status_;
};

struct Signature {
  const char* name;
  std::vector<const char*> inputs, outputs, attributes;
};

// An operation for the CPU. Settings is made from the Attributes once, and given to every call.
template <typename Settings, void (*compute)(const Settings&, Call&)>
void Register(const Signature& signature) {
  const auto typed = [](const char* name) { return std::string(name) + ": float"; };
  TF_OpDefinitionBuilder* op = TF_NewOpDefinitionBuilder(signature.name);
  for (const char* input : signature.inputs) TF_OpDefinitionBuilderAddInput(op, typed(input).c_str());
  for (const char* output : signature.outputs) TF_OpDefinitionBuilderAddOutput(op, typed(output).c_str());
  for (const char* attribute : signature.attributes) TF_OpDefinitionBuilderAddAttr(op, attribute);
  TF_OpDefinitionBuilderSetShapeInferenceFunction(op, &TF_ShapeInferenceContextSetUnknownShape);
  TF_Status* status = TF_NewStatus();
  TF_RegisterOpDefinition(op, status);
  if (TF_GetCode(status) == TF_OK) {
    const auto create = [](TF_OpKernelConstruction* context) -> void* {
      Attributes attributes(context);
      return new Settings(attributes);
    };
    const auto call = [](void* kernel, TF_OpKernelContext* context) {
      Call one(context);
      compute(*static_cast<const Settings*>(kernel), one);
    };
    const auto remove = [](void* kernel) { delete static_cast<Settings*>(kernel); };
    TF_KernelBuilder* kernel = TF_NewKernelBuilder(signature.name, "CPU", create, call, remove);
    TF_RegisterKernelBuilder(signature.name, kernel, status);
  }
  TF_DeleteStatus(status);
}

}  // namespace diptych
