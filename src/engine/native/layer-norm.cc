// Layer normalisation over the last axis, and its gradient: a row is read while it is in registers' reach.
//
//   DiptychLayerNorm      x [..., C], gamma, beta [C]  ->  y like x, mean, rstd [rows]
//   DiptychLayerNormGrad  x, gamma, mean, rstd, dy     ->  dx like x, dgamma, dbeta [C]
//
// xhat = (x - mean) rstd, y = gamma xhat + beta; dx = rstd (gamma dy - E[gamma dy] - xhat E[gamma dy xhat]).
#include "op.h"
#include "parallel.h"
#include "vector-math.h"

namespace diptych {
namespace {

struct Settings {
  explicit Settings(Attributes& attributes) : eps(attributes.Float("eps")) {}
  float eps;
};

bool Fits(Call& call, const Input& x, const Input& gamma) {
  const bool fits = !x.dims.empty() && gamma.dims == Dims{x.dims.back()};
  if (!fits) call.Fail("the last axis must have as many channels as gamma and beta");
  return fits;
}

void Row(int64_t C, float eps, const float* __restrict__ x, const float* __restrict__ gamma,
         const float* __restrict__ beta, float* __restrict__ y, float* mean, float* rstd) {
  const float m = Sum(C, [=](int64_t c) { return x[c]; }) / float(C);
  const float variance = Sum(C, [=](int64_t c) { return (x[c] - m) * (x[c] - m); }) / float(C);
  const float r = 1.0f / __builtin_sqrtf(variance + eps);
  for (int64_t c = 0; c < C; c++) y[c] = (x[c] - m) * r * gamma[c] + beta[c];
  *mean = m;
  *rstd = r;
}

void RowGradient(int64_t C, const float* __restrict__ x, const float* __restrict__ gamma, float m, float r,
                 const float* __restrict__ dy, float* __restrict__ dx, double* __restrict__ dgamma,
                 double* __restrict__ dbeta) {
  const float shift = Sum(C, [=](int64_t c) { return gamma[c] * dy[c]; }) / float(C);
  const float slope = Sum(C, [=](int64_t c) { return gamma[c] * dy[c] * (x[c] - m) * r; }) / float(C);
  for (int64_t c = 0; c < C; c++) {
    const float xhat = (x[c] - m) * r;
    dx[c] = r * (gamma[c] * dy[c] - shift - xhat * slope);
    dgamma[c] += dy[c] * xhat;
    dbeta[c] += dy[c];
  }
}

void Forward(const Settings& settings, Call& call) {
  const Input x = call.In(0), gamma = call.In(1), beta = call.In(2);
  if (!Fits(call, x, gamma) || !Fits(call, x, beta)) return;
  const int64_t C = x.dims.back(), rows = RowsOf(x.dims);
  float *y = call.Out(0, x.dims), *mean = call.Out(1, {rows}), *rstd = call.Out(2, {rows});
  Parallel(rows, rows * C, [&](int, int64_t from, int64_t to) {
    for (int64_t b = from; b < to; b++) {
      Row(C, settings.eps, x.data + b * C, gamma.data, beta.data, y + b * C, mean + b, rstd + b);
    }
  });
}

void Backward(const Settings&, Call& call) {
  const Input x = call.In(0), gamma = call.In(1), mean = call.In(2), rstd = call.In(3), dy = call.In(4);
  if (!Fits(call, x, gamma)) return;
  const int64_t C = x.dims.back(), rows = RowsOf(x.dims);
  float* dx = call.Out(0, x.dims);
  PartSums sums(2 * C);
  Parallel(rows, rows * C, [&](int part, int64_t from, int64_t to) {
    double* dgamma = sums.Of(part);
    for (int64_t b = from; b < to; b++) {
      RowGradient(C, x.data + b * C, gamma.data, mean.data[b], rstd.data[b], dy.data + b * C, dx + b * C, dgamma,
                  dgamma + C);
    }
  });
  sums.Write(0, call.Out(1, gamma.dims), C);
  sums.Write(C, call.Out(2, gamma.dims), C);
}

const bool registered = [] {
  Register<Settings, Forward>({"DiptychLayerNorm", {"x", "gamma", "beta"}, {"y", "mean", "rstd"}, {"eps: float"}});
  Register<Settings, Backward>(
      {"DiptychLayerNormGrad", {"x", "gamma", "mean", "rstd", "dy"}, {"dx", "dgamma", "dbeta"}, {"eps: float"}});
  return true;
}();

}  // namespace
}  // namespace diptych
