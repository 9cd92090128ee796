// Group normalisation with an optional SiLU behind it, and its gradient, as two TensorFlow operations (C API).
// Composed of library operations it takes fifteen passes over memory; here a sample is read while it is in cache.
// Layer normalisation is the same with one group and no pixels.
//
//   DiptychGroupNorm      x [B, ..., C], gamma, beta [C]  ->  z like x, mean, rstd [B, groups]
//   DiptychGroupNormGrad  x, gamma, beta, mean, rstd, dz  ->  dx like x, dgamma, dbeta [C]
//
// xhat = (x - mean) rstd, y = gamma xhat + beta, z = y or y sigmoid(y).
// dx = rstd (gamma dy - E[gamma dy] - xhat E[gamma dy xhat]), E over a group of one sample.
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <vector>

#include "parallel.h"
#include "tensorflow/c/kernels.h"
#include "tensorflow/c/ops.h"
#include "tensorflow/c/tf_tensor.h"

namespace {

// Sums run in float over this many pixels, then in double: fast, and exact enough at any image size.
constexpr int64_t kBlock = 64;

struct Settings {
  int64_t groups;
  float eps;
  bool silu;
};

struct Shape {
  int64_t batch, pixels, channels, groups;
  int64_t sample() const { return pixels * channels; }
  int64_t width() const { return channels / groups; }
  double count() const { return double(pixels) * double(width()); }
};

// e^x by range reduction and a polynomial of degree 6, to 2 units in the last place; vectorises.
inline float Exp(float x) {
  x = std::min(88.0f, std::max(-87.0f, x));
  const float n = __builtin_floorf(x * 1.44269504f + 0.5f);
  const float r = (x - n * 0.693359375f) + n * 2.12194440e-4f;
  float p = 1.9875691500e-4f;
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * r * r + r + 1.0f;
  const int32_t bits = (int32_t(n) + 127) << 23;
  float scale;
  std::memcpy(&scale, &bits, 4);
  return p * scale;
}

inline float Sigmoid(float x) { return 1.0f / (1.0f + Exp(-x)); }

// Adds term(channel, value index) over the pixels of one sample to sums [C].
template <typename Term>
void SumPixels(const Shape& shape, std::vector<double>& sums, Term term) {
  const int64_t C = shape.channels;
  std::vector<float> partial(C);
  std::fill(sums.begin(), sums.end(), 0.0);
  for (int64_t first = 0; first < shape.pixels; first += kBlock) {
    std::fill(partial.begin(), partial.end(), 0.0f);
    const int64_t last = std::min(shape.pixels, first + kBlock);
    for (int64_t p = first; p < last; p++) {
      for (int64_t c = 0; c < C; c++) partial[c] += term(c, p * C + c);
    }
    for (int64_t c = 0; c < C; c++) sums[c] += partial[c];
  }
}

// Means of channel sums over each group.
void GroupMeans(const Shape& shape, const std::vector<double>& sums, float* means) {
  for (int64_t g = 0; g < shape.groups; g++) {
    double sum = 0;
    for (int64_t c = g * shape.width(); c < (g + 1) * shape.width(); c++) sum += sums[c];
    means[g] = float(sum / shape.count());
  }
}

void NormaliseSample(const Shape& shape, const Settings& settings, const float* x, const float* gamma,
                     const float* beta, float* z, float* mean, float* rstd) {
  const int64_t C = shape.channels, W = shape.width();
  std::vector<double> sums(C);
  std::vector<float> m(C), a(C);
  SumPixels(shape, sums, [&](int64_t, int64_t i) { return x[i]; });
  GroupMeans(shape, sums, mean);
  for (int64_t c = 0; c < C; c++) m[c] = mean[c / W];
  SumPixels(shape, sums, [&](int64_t c, int64_t i) { return (x[i] - m[c]) * (x[i] - m[c]); });
  GroupMeans(shape, sums, rstd);
  for (int64_t g = 0; g < shape.groups; g++) rstd[g] = 1.0f / __builtin_sqrtf(rstd[g] + settings.eps);
  for (int64_t c = 0; c < C; c++) a[c] = rstd[c / W] * gamma[c];
  for (int64_t p = 0; p < shape.pixels; p++, x += C, z += C) {
    for (int64_t c = 0; c < C; c++) {
      const float y = (x[c] - m[c]) * a[c] + beta[c];
      z[c] = settings.silu ? y * Sigmoid(y) : y;
    }
  }
}

// Adds this sample's share to dgamma and dbeta.
void SampleGradient(const Shape& shape, const Settings& settings, const float* x, const float* gamma,
                    const float* beta, const float* mean, const float* rstd, const float* dz, float* dx,
                    double* dgamma, double* dbeta) {
  const int64_t C = shape.channels, W = shape.width();
  std::vector<float> m(C), r(C), k1(shape.groups), k2(shape.groups), shift(C), slope(C);
  std::vector<double> sumDy(C), sumDyXhat(C);
  for (int64_t c = 0; c < C; c++) {
    m[c] = mean[c / W];
    r[c] = rstd[c / W];
  }
  const float* dy = dz;
  if (settings.silu) {
    for (int64_t p = 0, i = 0; p < shape.pixels; p++) {
      for (int64_t c = 0; c < C; c++, i++) {
        const float y = (x[i] - m[c]) * r[c] * gamma[c] + beta[c];
        const float s = Sigmoid(y);
        dx[i] = dz[i] * (s + y * s * (1.0f - s));
      }
    }
    dy = dx;
  }
  SumPixels(shape, sumDy, [&](int64_t, int64_t i) { return dy[i]; });
  SumPixels(shape, sumDyXhat, [&](int64_t c, int64_t i) { return dy[i] * (x[i] - m[c]) * r[c]; });
  for (int64_t c = 0; c < C; c++) {
    dbeta[c] += sumDy[c];
    dgamma[c] += sumDyXhat[c];
    sumDy[c] *= gamma[c];
    sumDyXhat[c] *= gamma[c];
  }
  GroupMeans(shape, sumDy, k1.data());
  GroupMeans(shape, sumDyXhat, k2.data());
  for (int64_t c = 0; c < C; c++) {
    shift[c] = k1[c / W];
    slope[c] = k2[c / W] * r[c];
  }
  for (int64_t p = 0, i = 0; p < shape.pixels; p++) {
    for (int64_t c = 0; c < C; c++, i++) {
      dx[i] = r[c] * (gamma[c] * dy[i] - shift[c] - (x[i] - m[c]) * slope[c]);
    }
  }
}

constexpr char kMisfit[] = "the last axis must have as many channels as gamma and beta, and divide into the groups";

const float* FloatsOf(const TF_Tensor* tensor) { return static_cast<const float*>(TF_TensorData(tensor)); }

// The inputs of one call, and its outputs; everything is freed at the end.
class Call {
 public:
  explicit Call(TF_OpKernelContext* context) : context_(context), status_(TF_NewStatus()) {}
  ~Call() {
    for (TF_Tensor* tensor : held_) TF_DeleteTensor(tensor);
    TF_DeleteStatus(status_);
  }
  const TF_Tensor* Tensor(int i) {
    TF_Tensor* tensor = nullptr;
    TF_GetInput(context_, i, &tensor, status_);
    held_.push_back(tensor);
    return tensor;
  }
  float* Output(int i, const std::vector<int64_t>& dims) {
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

std::vector<int64_t> DimsOf(const TF_Tensor* tensor) {
  std::vector<int64_t> dims(TF_NumDims(tensor));
  for (size_t i = 0; i < dims.size(); i++) dims[i] = TF_Dim(tensor, int(i));
  return dims;
}

// False when x has no channels that can be cut into the groups, or not as many as gamma and beta.
bool ShapeOf(const std::vector<int64_t>& dims, const TF_Tensor* gamma, const TF_Tensor* beta, int64_t groups,
             Shape* shape) {
  if (dims.size() < 2 || groups < 1 || dims.back() % groups != 0) return false;
  if (TF_TensorElementCount(gamma) != dims.back() || TF_TensorElementCount(beta) != dims.back()) return false;
  *shape = {dims.front(), 1, dims.back(), groups};
  for (size_t i = 1; i + 1 < dims.size(); i++) shape->pixels *= dims[i];
  return true;
}

void* Create(TF_OpKernelConstruction* context) {
  TF_Status* status = TF_NewStatus();
  auto* settings = new Settings();
  unsigned char silu = 0;
  TF_OpKernelConstruction_GetAttrInt64(context, "groups", &settings->groups, status);
  TF_OpKernelConstruction_GetAttrFloat(context, "eps", &settings->eps, status);
  TF_OpKernelConstruction_GetAttrBool(context, "silu", &silu, status);
  settings->silu = silu != 0;
  if (TF_GetCode(status) != TF_OK) TF_OpKernelConstruction_Failure(context, status);
  TF_DeleteStatus(status);
  return settings;
}

void Delete(void* kernel) { delete static_cast<Settings*>(kernel); }

void Forward(void* kernel, TF_OpKernelContext* context) {
  const Settings& settings = *static_cast<Settings*>(kernel);
  Call call(context);
  const TF_Tensor* input = call.Tensor(0);
  const std::vector<int64_t> dims = DimsOf(input);
  const TF_Tensor *scale = call.Tensor(1), *bias = call.Tensor(2);
  Shape shape;
  if (!ShapeOf(dims, scale, bias, settings.groups, &shape)) return call.Fail(kMisfit);
  const float *x = FloatsOf(input), *gamma = FloatsOf(scale), *beta = FloatsOf(bias);
  float* z = call.Output(0, dims);
  float* mean = call.Output(1, {shape.batch, shape.groups});
  float* rstd = call.Output(2, {shape.batch, shape.groups});
  diptych::Parallel(shape.batch, shape.batch * shape.sample(), [&](int, int64_t from, int64_t to) {
    for (int64_t b = from; b < to; b++) {
      const int64_t at = b * shape.sample(), g = b * shape.groups;
      NormaliseSample(shape, settings, x + at, gamma, beta, z + at, mean + g, rstd + g);
    }
  });
}

void Backward(void* kernel, TF_OpKernelContext* context) {
  const Settings& settings = *static_cast<Settings*>(kernel);
  Call call(context);
  const TF_Tensor* input = call.Tensor(0);
  const std::vector<int64_t> dims = DimsOf(input);
  const TF_Tensor *scale = call.Tensor(1), *bias = call.Tensor(2);
  Shape shape;
  if (!ShapeOf(dims, scale, bias, settings.groups, &shape)) return call.Fail(kMisfit);
  const float *x = FloatsOf(input), *gamma = FloatsOf(scale), *beta = FloatsOf(bias);
  const float *mean = FloatsOf(call.Tensor(3)), *rstd = FloatsOf(call.Tensor(4)), *dz = FloatsOf(call.Tensor(5));
  float* dx = call.Output(0, dims);
  float* dgamma = call.Output(1, {shape.channels});
  float* dbeta = call.Output(2, {shape.channels});
  // One pair of sums per part, added in order: equal calls give equal bits.
  const int64_t C = shape.channels;
  std::vector<double> parts(2 * C * diptych::kMostParts, 0.0);
  diptych::Parallel(shape.batch, shape.batch * shape.sample(), [&](int part, int64_t from, int64_t to) {
    double* sums = parts.data() + 2 * C * part;
    for (int64_t b = from; b < to; b++) {
      const int64_t at = b * shape.sample(), g = b * shape.groups;
      SampleGradient(shape, settings, x + at, gamma, beta, mean + g, rstd + g, dz + at, dx + at, sums, sums + C);
    }
  });
  for (int64_t c = 0; c < C; c++) {
    double gain = 0, offset = 0;
    for (int part = 0; part < diptych::kMostParts; part++) {
      gain += parts[2 * C * part + c];
      offset += parts[2 * C * part + C + c];
    }
    dgamma[c] = float(gain);
    dbeta[c] = float(offset);
  }
}

void Register(const char* name, std::vector<const char*> inputs, std::vector<const char*> outputs,
              void (*compute)(void*, TF_OpKernelContext*)) {
  TF_Status* status = TF_NewStatus();
  TF_OpDefinitionBuilder* op = TF_NewOpDefinitionBuilder(name);
  for (const char* input : inputs) TF_OpDefinitionBuilderAddInput(op, input);
  for (const char* output : outputs) TF_OpDefinitionBuilderAddOutput(op, output);
  for (const char* attribute : {"groups: int", "eps: float", "silu: bool"}) {
    TF_OpDefinitionBuilderAddAttr(op, attribute);
  }
  TF_OpDefinitionBuilderSetShapeInferenceFunction(op, &TF_ShapeInferenceContextSetUnknownShape);
  TF_RegisterOpDefinition(op, status);
  if (TF_GetCode(status) == TF_OK) {
    TF_KernelBuilder* builder = TF_NewKernelBuilder(name, "CPU", &Create, compute, &Delete);
    TF_RegisterKernelBuilder(name, builder, status);
  }
  TF_DeleteStatus(status);
}

struct Registration {
  Registration() {
    Register("DiptychGroupNorm", {"x: float", "gamma: float", "beta: float"},
             {"z: float", "mean: float", "rstd: float"}, &Forward);
    Register("DiptychGroupNormGrad",
             {"x: float", "gamma: float", "beta: float", "mean: float", "rstd: float", "dz: float"},
             {"dx: float", "dgamma: float", "dbeta: float"}, &Backward);
  }
} registration;

}  // namespace
