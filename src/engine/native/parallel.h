// A few threads that share a loop. TensorFlow's C API does not lend its own.
#pragma once

#include <cstdint>
#include <functional>

namespace diptych {

// No loop is cut into more parts than this.
constexpr int kMostParts = 16;

// Calls work(part, from, to) for consecutive ranges that together are [0, count), each part once, and returns when
// all are done. The cut depends on `count` and the number of threads alone, so sums per part are reproducible.
// `size`: how much there is to do, in values; little work is one part.
void Parallel(int64_t count, int64_t size, const std::function<void(int, int64_t, int64_t)>& work);

}  // namespace diptych
