// Group normalisation with an optional SiLU behind it, and its gradient. Composed of library operations it takes
// fifteen passes over memory; here a sample is read while it is in cache.
//
//   DiptychGroupNorm      x [B, ..., C], gamma, beta [C]  ->  z like x, mean, rstd [B, groups]
//   DiptychGroupNormGrad  x, gamma, beta, mean, rstd, dz  ->  dx like x, dgamma, dbeta [C]
//
// xhat = (x - mean) rstd, y = gamma xhat + beta, z = y or y sigmoid(y).
// dx = rstd (gamma dy - E[gamma dy] - xhat E[gamma dy xhat]), E over a group of one sample.
#include "op.h"
#include "parallel.h"
#include "vector-math.h"

namespace diptych {
namespace {

// Sums run in float over this many pixels, then in double: fast, and exact enough at any image size.
constexpr int64_t kBlock = 64;
constexpr char kMisfit[] = "the last axis must have as many channels as gamma and beta, and divide into the groups";

struct Settings {
  explicit Settings(Attributes& attributes)
      : groups(attributes.Int("groups")), eps(attributes.Float("eps")), silu(attributes.Bool("silu")) {}
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

// Sums [C] of term(channel, value index) over the pixels of one sample.
template <typename Term>
std::vector<double> SumPixels(const Shape& shape, Term term) {
  const int64_t C = shape.channels;
  std::vector<double> sums(C, 0.0);
  std::vector<float> partial(C);
  float* __restrict__ part = partial.data();
  for (int64_t first = 0; first < shape.pixels; first += kBlock) {
    std::fill(partial.begin(), partial.end(), 0.0f);
    const int64_t last = std::min(shape.pixels, first + kBlock);
    for (int64_t p = first; p < last; p++) {
      for (int64_t c = 0; c < C; c++) part[c] += term(c, p * C + c);
    }
    for (int64_t c = 0; c < C; c++) sums[c] += part[c];
  }
  return sums;
}

// Means of channel sums over each group.
void GroupMeans(const Shape& shape, const std::vector<double>& sums, float* means) {
  for (int64_t g = 0; g < shape.groups; g++) {
    double sum = 0;
    for (int64_t c = g * shape.width(); c < (g + 1) * shape.width(); c++) sum += sums[c];
    means[g] = float(sum / shape.count());
  }
}

// A value per group as one per channel.
std::vector<float> PerChannel(const Shape& shape, const float* values) {
  std::vector<float> spread(shape.channels);
  for (int64_t c = 0; c < shape.channels; c++) spread[c] = values[c / shape.width()];
  return spread;
}

template <bool silu>
void Apply(const Shape& shape, const float* __restrict__ x, const float* __restrict__ m,
           const float* __restrict__ a, const float* __restrict__ beta, float* __restrict__ z) {
  const int64_t C = shape.channels;
  for (int64_t p = 0; p < shape.pixels; p++, x += C, z += C) {
    for (int64_t c = 0; c < C; c++) {
      const float y = (x[c] - m[c]) * a[c] + beta[c];
      z[c] = silu ? y * Sigmoid(y) : y;
    }
  }
}

void NormaliseSample(const Shape& shape, const Settings& settings, const float* x, const float* gamma,
                     const float* beta, float* z, float* mean, float* rstd) {
  GroupMeans(shape, SumPixels(shape, [&](int64_t, int64_t i) { return x[i]; }), mean);
  const std::vector<float> means = PerChannel(shape, mean);
  const float* m = means.data();
  GroupMeans(shape, SumPixels(shape, [=](int64_t c, int64_t i) { return (x[i] - m[c]) * (x[i] - m[c]); }), rstd);
  for (int64_t g = 0; g < shape.groups; g++) rstd[g] = 1.0f / __builtin_sqrtf(rstd[g] + settings.eps);
  std::vector<float> slopes = PerChannel(shape, rstd);
  for (int64_t c = 0; c < shape.channels; c++) slopes[c] *= gamma[c];
  (settings.silu ? Apply<true> : Apply<false>)(shape, x, m, slopes.data(), beta, z);
}

// dz times the slope of SiLU at y.
void ThroughSilu(const Shape& shape, const float* __restrict__ x, const float* __restrict__ m,
                 const float* __restrict__ a, const float* __restrict__ beta, const float* __restrict__ dz,
                 float* __restrict__ dy) {
  const int64_t C = shape.channels;
  for (int64_t p = 0; p < shape.pixels; p++, x += C, dz += C, dy += C) {
    for (int64_t c = 0; c < C; c++) {
      const float y = (x[c] - m[c]) * a[c] + beta[c];
      const float s = Sigmoid(y);
      dy[c] = dz[c] * (s + y * s * (1.0f - s));
    }
  }
}

// Adds this sample's share to dgamma and dbeta.
void SampleGradient(const Shape& shape, const Settings& settings, const float* x, const float* gamma,
                    const float* beta, const float* mean, const float* rstd, const float* dz, float* dx,
                    double* dgamma, double* dbeta) {
  const int64_t C = shape.channels;
  const std::vector<float> means = PerChannel(shape, mean), rates = PerChannel(shape, rstd);
  const float *m = means.data(), *r = rates.data(), *dy = dz;
  if (settings.silu) {
    std::vector<float> slopes = rates;
    for (int64_t c = 0; c < C; c++) slopes[c] *= gamma[c];
    ThroughSilu(shape, x, m, slopes.data(), beta, dz, dx);
    dy = dx;
  }
  std::vector<double> sumDy = SumPixels(shape, [=](int64_t, int64_t i) { return dy[i]; });
  std::vector<double> sumDyXhat =
      SumPixels(shape, [=](int64_t c, int64_t i) { return dy[i] * (x[i] - m[c]) * r[c]; });
  for (int64_t c = 0; c < C; c++) {
    dbeta[c] += sumDy[c];
    dgamma[c] += sumDyXhat[c];
    sumDy[c] *= gamma[c];
    sumDyXhat[c] *= gamma[c];
  }
  std::vector<float> k1(shape.groups), k2(shape.groups);
  GroupMeans(shape, sumDy, k1.data());
  GroupMeans(shape, sumDyXhat, k2.data());
  const std::vector<float> shifts = PerChannel(shape, k1.data());
  std::vector<float> slopes = PerChannel(shape, k2.data());
  for (int64_t c = 0; c < C; c++) slopes[c] *= r[c];
  const float *shift = shifts.data(), *slope = slopes.data();
  for (int64_t p = 0, i = 0; p < shape.pixels; p++) {
    // dy and dx may be the same array; each value is read before it is written.
#pragma GCC ivdep
    for (int64_t c = 0; c < C; c++) {
      dx[i + c] = r[c] * (gamma[c] * dy[i + c] - shift[c] - (x[i + c] - m[c]) * slope[c]);
    }
    i += C;
  }
}

// False, and the call failed, when channels do not fit.
bool ShapeOf(Call& call, const Settings& settings, const Input& x, const Input& gamma, const Input& beta,
             Shape* shape) {
  const int64_t C = x.dims.empty() ? 0 : x.dims.back();
  const bool fits = x.dims.size() >= 2 && settings.groups >= 1 && C % settings.groups == 0 &&
                    gamma.dims == Dims{C} && beta.dims == Dims{C};
  if (!fits) call.Fail(kMisfit);
  else *shape = {x.dims[0], x.dims[0] == 0 ? 0 : RowsOf(x.dims) / x.dims[0], C, settings.groups};
  return fits;
}

void Forward(const Settings& settings, Call& call) {
  const Input x = call.In(0), gamma = call.In(1), beta = call.In(2);
  Shape shape;
  if (!ShapeOf(call, settings, x, gamma, beta, &shape)) return;
  float* z = call.Out(0, x.dims);
  float* mean = call.Out(1, {shape.batch, shape.groups});
  float* rstd = call.Out(2, {shape.batch, shape.groups});
  Parallel(shape.batch, shape.batch * shape.sample(), [&](int, int64_t from, int64_t to) {
    for (int64_t b = from; b < to; b++) {
      const int64_t at = b * shape.sample(), g = b * shape.groups;
      NormaliseSample(shape, settings, x.data + at, gamma.data, beta.data, z + at, mean + g, rstd + g);
    }
  });
}

void Backward(const Settings& settings, Call& call) {
  const Input x = call.In(0), gamma = call.In(1), beta = call.In(2);
  Shape shape;
  if (!ShapeOf(call, settings, x, gamma, beta, &shape)) return;
  const Input mean = call.In(3), rstd = call.In(4), dz = call.In(5);
  float* dx = call.Out(0, x.dims);
  PartSums sums(2 * shape.channels);
  Parallel(shape.batch, shape.batch * shape.sample(), [&](int part, int64_t from, int64_t to) {
    double* dgamma = sums.Of(part);
    for (int64_t b = from; b < to; b++) {
      const int64_t at = b * shape.sample(), g = b * shape.groups;
      SampleGradient(shape, settings, x.data + at, gamma.data, beta.data, mean.data + g, rstd.data + g, dz.data + at,
                     dx + at, dgamma, dgamma + shape.channels);
    }
  });
  sums.Write(0, call.Out(1, gamma.dims), shape.channels);
  sums.Write(shape.channels, call.Out(2, gamma.dims), shape.channels);
}

const bool registered = [] {
  const std::vector<const char*> attributes = {"groups: int", "eps: float", "silu: bool"};
  Register<Settings, Forward>({"DiptychGroupNorm", {"x", "gamma", "beta"}, {"z", "mean", "rstd"}, attributes});
  Register<Settings, Backward>({"DiptychGroupNormGrad",
                                {"x", "gamma", "beta", "mean", "rstd", "dz"},
                                {"dx", "dgamma", "dbeta"},
                                attributes});
  return true;
}();

}  // namespace
}  // namespace diptych
