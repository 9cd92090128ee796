// GEGLU (Shazeer, arXiv 2002.05202): one half of the channels, gated by GELU of the other, and its gradient.
//
//   DiptychGeglu      x [..., 2C]           ->  y [..., C] = x[:C] gelu(x[C:]), gelu(g) = g Phi(g)
//   DiptychGegluGrad  x, dy [..., C]        ->  dx [..., 2C]
#include "op.h"
#include "parallel.h"
#include "vector-math.h"

namespace diptych {
namespace {

constexpr float kDensity = 0.39894228f;  // 1 / sqrt(2 pi)

struct Settings {
  explicit Settings(Attributes&) {}
};

bool Fits(Call& call, const Input& x) {
  const bool fits = !x.dims.empty() && x.dims.back() % 2 == 0;
  if (!fits) call.Fail("the last axis must have an even number of channels");
  return fits;
}

Dims Halved(Dims dims) {
  dims.back() /= 2;
  return dims;
}

void Row(int64_t C, const float* __restrict__ value, const float* __restrict__ gate, float* __restrict__ y) {
  for (int64_t c = 0; c < C; c++) y[c] = value[c] * gate[c] * NormalAt(gate[c]).below;
}

void RowGradient(int64_t C, const float* __restrict__ value, const float* __restrict__ gate,
                 const float* __restrict__ dy, float* __restrict__ dvalue, float* __restrict__ dgate) {
  for (int64_t c = 0; c < C; c++) {
    const Normal normal = NormalAt(gate[c]);
    dvalue[c] = dy[c] * gate[c] * normal.below;
    dgate[c] = dy[c] * value[c] * (normal.below + gate[c] * kDensity * normal.bell);
  }
}

void Forward(const Settings&, Call& call) {
  const Input x = call.In(0);
  if (!Fits(call, x)) return;
  const int64_t C = x.dims.back() / 2, rows = RowsOf(x.dims);
  float* y = call.Out(0, Halved(x.dims));
  Parallel(rows, rows * C, [&](int, int64_t from, int64_t to) {
    for (int64_t b = from; b < to; b++) Row(C, x.data + 2 * b * C, x.data + (2 * b + 1) * C, y + b * C);
  });
}

void Backward(const Settings&, Call& call) {
  const Input x = call.In(0), dy = call.In(1);
  if (!Fits(call, x)) return;
  const int64_t C = x.dims.back() / 2, rows = RowsOf(x.dims);
  float* dx = call.Out(0, x.dims);
  Parallel(rows, rows * C, [&](int, int64_t from, int64_t to) {
    for (int64_t b = from; b < to; b++) {
      const int64_t value = 2 * b * C, gate = value + C;
      RowGradient(C, x.data + value, x.data + gate, dy.data + b * C, dx + value, dx + gate);
    }
  });
}

const bool registered = [] {
  Register<Settings, Forward>({"DiptychGeglu", {"x"}, {"y"}, {}});
  Register<Settings, Backward>({"DiptychGegluGrad", {"x", "dy"}, {"dx"}, {}});
  return true;
}();

}  // namespace
}  // namespace diptych
