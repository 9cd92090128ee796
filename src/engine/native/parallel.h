// A few threads that share a loop. TensorFlow's C API does not lend its own.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

namespace diptych {

// No loop is cut into more parts than this.
constexpr int kMostParts = 16;

// Calls work(part, from, to) for consecutive ranges that together are [0, count), each part once, and returns when
// all are done. The cut depends on `count` and the number of threads alone, so sums per part are reproducible.
// `size`: how much there is to do, in values; little work is one part.
void Parallel(int64_t count, int64_t size, const std::function<void(int, int64_t, int64_t)>& work);

// Sums that each part adds to on its own, put together in the order of the parts: equal calls give equal bits.
class PartSums {
 public:
  explicit PartSums(int64_t size) : size_(size), values_(size * kMostParts, 0.0) {}
  double* Of(int part) { return values_.data() + size_ * part; }
  // `count` of the sums, from the first.
  void Write(int64_t first, float* out, int64_t count) const {
    for (int64_t i = 0; i < count; i++) {
      double sum = 0;
      for (int part = 0; part < kMostParts; part++) sum += values_[size_ * part + first + i];
      out[i] = float(sum);
    }
  }

 private:
  const int64_t size_;
  std::vector<double> values_;
};

}  // namespace diptych
