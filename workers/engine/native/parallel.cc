#include "parallel.h"

#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <mutex>
#include <thread>
#include <vector>

#ifdef __linux__
#include <sched.h>
#endif

namespace nst {
namespace {

// A thread waits this many turns before it sleeps: the loops of a step follow each other within microseconds, but on a
// machine with other work to do a waiting thread must not keep a core from it.
constexpr int kSpins = 4000;

int AvailableCores() {
  // What the worker was given; without a worker, what this process may run on.
  const char* given = std::getenv("NST_KERNEL_THREADS");
  if (given != nullptr && std::atoi(given) > 0) return std::atoi(given);
#ifdef __linux__
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof(set), &set) == 0) return CPU_COUNT(&set);
#endif
  const int cores = static_cast<int>(std::thread::hardware_concurrency());
  return cores > 0 ? cores : 1;
}

inline void Pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

}  // namespace

int Cores() {
  static const int cores = AvailableCores();
  return cores;
}

namespace {

class Pool {
 public:
  Pool() {
    for (int i = 1; i < Cores(); ++i) threads_.emplace_back([this] { Work(); });
    for (auto& thread : threads_) thread.detach();  // they end with the process
  }

  void Run(int count, const std::function<void(int)>& body) {
    if (threads_.empty() || count == 1) {
      for (int i = 0; i < count; ++i) body(i);
      return;
    }
    {
      std::lock_guard<std::mutex> lock(mutex_);
      body_ = &body;
      count_ = count;
      next_.store(0);
      busy_.store(static_cast<int>(threads_.size()));
      generation_.fetch_add(1);
    }
    wake_.notify_all();
    TakeTurns();
    for (int spins = 0; busy_.load() != 0 && spins < kSpins; ++spins) Pause();
    if (busy_.load() != 0) {
      std::unique_lock<std::mutex> lock(mutex_);
      done_.wait(lock, [&] { return busy_.load() == 0; });
    }
  }

 private:
  void TakeTurns() {
    for (int i = next_.fetch_add(1); i < count_; i = next_.fetch_add(1)) (*body_)(i);
  }

  void Work() {
    for (unsigned seen = 0;;) {
      for (int spins = 0; generation_.load() == seen && spins < kSpins; ++spins) Pause();
      if (generation_.load() == seen) {
        std::unique_lock<std::mutex> lock(mutex_);
        wake_.wait(lock, [&] { return generation_.load() != seen; });
      }
      seen = generation_.load();
      TakeTurns();
      if (busy_.fetch_sub(1) == 1) {
        std::lock_guard<std::mutex> lock(mutex_);
        done_.notify_one();
      }
    }
  }

  std::vector<std::thread> threads_;
  std::mutex mutex_;
  std::condition_variable wake_, done_;
  const std::function<void(int)>* body_ = nullptr;
  int count_ = 0;
  std::atomic<int> next_{0};
  std::atomic<int> busy_{0};
  std::atomic<unsigned> generation_{0};
};

}  // namespace

void ParallelFor(int count, const std::function<void(int)>& body) {
  static Pool* pool = new Pool();  // never destroyed: its threads may outlive main()
  pool->Run(count, body);
}

}  // namespace nst
