// Functions and sums that the compiler can vectorise.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>

namespace diptych {

// e^x by range reduction and a polynomial of degree 6, to 2 units in the last place.
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

// Standard normal density without its factor 1 / sqrt(2 pi), and distribution function; the latter to 1e-7
// (Abramowitz and Stegun, 7.1.26, with erf(z) at z = x / sqrt 2).
struct Normal {
  float bell, below;
};
inline Normal NormalAt(float x) {
  const float bell = Exp(-0.5f * x * x);
  const float t = 1.0f / (1.0f + 0.3275911f * 0.70710678f * __builtin_fabsf(x));
  float p = 1.061405429f;
  p = p * t - 1.453152027f;
  p = p * t + 1.421413741f;
  p = p * t - 0.284496736f;
  p = p * t + 0.254829592f;
  const float tail = 0.5f * p * t * bell;
  return {bell, x < 0 ? tail : 1.0f - tail};
}

// Sum of term(0) .. term(count - 1) in sixteen partial sums: fast, and exact enough for a row of channels.
template <typename Term>
inline float Sum(int64_t count, Term term) {
  constexpr int kLanes = 16;
  float lanes[kLanes] = {};
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    for (int lane = 0; lane < kLanes; lane++) lanes[lane] += term(i + lane);
  }
  for (int lane = 0; i < count; i++, lane++) lanes[lane] += term(i);
  for (int half = kLanes / 2; half > 0; half /= 2) {
    for (int lane = 0; lane < half; lane++) lanes[lane] += lanes[lane + half];
  }
  return lanes[0];
}

}  // namespace diptych
