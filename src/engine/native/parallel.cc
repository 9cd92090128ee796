#include "parallel.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <mutex>
#include <thread>
#include <vector>

namespace diptych {
namespace {

constexpr int64_t kLeastSize = 16384;

int ThreadCount() {
  const char* asked = std::getenv("TF_NUM_INTRAOP_THREADS");
  const int count = asked ? std::atoi(asked) : int(std::thread::hardware_concurrency());
  return std::max(1, std::min(kMostParts, count));
}

// Threads that wait for one job at a time. The caller does the first part itself.
class Pool {
 public:
  explicit Pool(int threads) : threads_(threads) {
    for (int part = 1; part < threads; part++) std::thread([this, part] { Serve(part); }).detach();
  }

  int threads() const { return threads_; }

  void Run(const std::function<void(int)>& job) {
    std::lock_guard<std::mutex> one_at_a_time(callers_);
    {
      std::lock_guard<std::mutex> lock(mutex_);
      job_ = &job;
      left_ = threads_ - 1;
      round_++;
    }
    wake_.notify_all();
    job(0);
    std::unique_lock<std::mutex> lock(mutex_);
    done_.wait(lock, [this] { return left_ == 0; });
  }

 private:
  void Serve(int part) {
    int64_t seen = 0;
    for (;;) {
      const std::function<void(int)>* job;
      {
        std::unique_lock<std::mutex> lock(mutex_);
        wake_.wait(lock, [&] { return round_ != seen; });
        seen = round_;
        job = job_;
      }
      (*job)(part);
      std::lock_guard<std::mutex> lock(mutex_);
      if (--left_ == 0) done_.notify_one();
    }
  }

  const int threads_;
  std::mutex callers_, mutex_;
  std::condition_variable wake_, done_;
  const std::function<void(int)>* job_ = nullptr;
  int left_ = 0;
  int64_t round_ = 0;
};

// Never destroyed: its threads live as long as the process.
Pool& ThePool() {
  static Pool* pool = new Pool(ThreadCount());
  return *pool;
}

}  // namespace

void Parallel(int64_t count, int64_t size, const std::function<void(int, int64_t, int64_t)>& work) {
  Pool& pool = ThePool();
  const int64_t parts = size < kLeastSize ? 1 : std::min<int64_t>(pool.threads(), count);
  if (parts <= 1) return work(0, 0, count);
  pool.Run([&](int part) {
    if (part < parts) work(part, part * count / parts, (part + 1) * count / parts);
  });
}

}  // namespace diptych
