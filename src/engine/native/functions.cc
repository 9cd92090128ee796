// Functions of TensorFlow made from recorded graphs (src/engine/traced.ts), for the binding to export
// (setup/binding.patch).
//
//   addFunction(name, graph, inputs, outputs)  registers a serialized GraphDef under a name that executeOp then takes.
//                                              Its arguments are the nodes in0, in1, ..., its results out0, out1, ...
//   removeFunction(name)                       frees it, with all that TensorFlow made of it
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "binding/tfjs_backend.h"

namespace tfnodejs {
namespace {

struct Delete {
  void operator()(TF_Buffer* buffer) const { TF_DeleteBuffer(buffer); }
  void operator()(TF_Function* function) const { TF_DeleteFunction(function); }
  void operator()(TF_Graph* graph) const { TF_DeleteGraph(graph); }
  void operator()(TF_ImportGraphDefOptions* options) const { TF_DeleteImportGraphDefOptions(options); }
  void operator()(TF_Status* status) const { TF_DeleteStatus(status); }
};

template <typename T>
using Owned = std::unique_ptr<T, Delete>;

// One call from JavaScript, whose exception the first error becomes.
class Call {
 public:
  Call(napi_env env, napi_callback_info info) : env_(env), status_(TF_NewStatus()), arguments_(4) {
    size_t count = arguments_.size();
    Check(napi_get_cb_info(env, info, &count, arguments_.data(), nullptr, nullptr));
    Check(napi_get_instance_data(env, reinterpret_cast<void**>(&backend_)));
  }

  bool ok() {
    if (ok_ && TF_GetCode(status()) != TF_OK) Fail(TF_Message(status()));
    return ok_;
  }
  TF_Status* status() { return status_.get(); }
  TFE_Context* context() { return backend_->context(); }

  std::string Text(int i) {
    size_t length = 0;
    Check(napi_get_value_string_utf8(env_, arguments_[i], nullptr, 0, &length));
    std::string text(length, '\0');
    if (ok_) Check(napi_get_value_string_utf8(env_, arguments_[i], &text[0], length + 1, &length));
    return text;
  }
  int Int(int i) {
    int32_t value = 0;
    Check(napi_get_value_int32(env_, arguments_[i], &value));
    return value;
  }
  Owned<TF_Buffer> Bytes(int i) {
    void* data = nullptr;
    size_t length = 0;
    Check(napi_get_typedarray_info(env_, arguments_[i], nullptr, &length, &data, nullptr, nullptr));
    return Owned<TF_Buffer>(TF_NewBufferFromString(data, ok_ ? length : 0));
  }

 private:
  void Check(napi_status status) {
    if (status != napi_ok) Fail("wrong arguments");
  }
  void Fail(const char* message) {
    if (ok_) napi_throw_error(env_, nullptr, message);
    ok_ = false;
  }

  napi_env env_;
  Owned<TF_Status> status_;
  std::vector<napi_value> arguments_;
  TFJSBackend* backend_ = nullptr;
  bool ok_ = true;
};

// The nodes PREFIX0, PREFIX1, ... of a graph that has them.
std::vector<TF_Output> Numbered(TF_Graph* graph, const std::string& prefix, int count) {
  std::vector<TF_Output> nodes;
  for (int i = 0; i < count; i++) {
    nodes.push_back({TF_GraphOperationByName(graph, (prefix + std::to_string(i)).c_str()), 0});
  }
  return nodes;
}

}  // namespace

napi_value AddFunction(napi_env env, napi_callback_info info) {
  Call call(env, info);
  const std::string name = call.Text(0);
  const Owned<TF_Buffer> bytes = call.Bytes(1);
  const int inputs = call.Int(2), outputs = call.Int(3);
  if (!call.ok()) return nullptr;

  const Owned<TF_Graph> graph(TF_NewGraph());
  const Owned<TF_ImportGraphDefOptions> options(TF_NewImportGraphDefOptions());
  TF_GraphImportGraphDef(graph.get(), bytes.get(), options.get(), call.status());
  if (!call.ok()) return nullptr;
  const std::vector<TF_Output> in = Numbered(graph.get(), "in", inputs), out = Numbered(graph.get(), "out", outputs);
  const Owned<TF_Function> function(TF_GraphToFunction(graph.get(), name.c_str(), 0, -1, nullptr, inputs, in.data(),
                                                       outputs, out.data(), nullptr, nullptr, nullptr, call.status()));
  if (!call.ok()) return nullptr;
  TFE_ContextAddFunction(call.context(), function.get(), call.status());
  call.ok();
  return nullptr;
}

napi_value RemoveFunction(napi_env env, napi_callback_info info) {
  Call call(env, info);
  const std::string name = call.Text(0);
  if (!call.ok()) return nullptr;
  TFE_ContextRemoveFunction(call.context(), name.c_str(), call.status());
  call.ok();
  return nullptr;
}

}  // namespace tfnodejs
