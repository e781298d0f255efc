// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "guidon/api_http/metrics.hpp"

namespace guidon::api_http {

// Threads that may wait for the store, with a bounded queue in front. A job goes to the thread that became idle last:
// its stack and its memory are still in the processor's cache, and at low load the other threads sleep on. Thread-safe.
class WorkerPool {
 public:
  // `cancelled`: the pool is ending and the job should only say so.
  using Job = std::move_only_function<void(bool cancelled)>;

  WorkerPool(unsigned threads, std::size_t queue_max);
  // Runs what is queued as cancelled and waits for what has begun.
  ~WorkerPool();
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  // False, and `job` is untouched, where the queue is full.
  bool Submit(Job& job);
  // As the destructor; nothing may be submitted afterwards.
  void Stop();
  WorkerFigures figures() const;

 private:
  // Where an idle thread waits; on its stack.
  struct Sleeper {
    std::condition_variable wake;
    Job job;
  };
  void Run();
  // Nothing where the pool is ending.
  Job Take();

  const std::size_t queue_max_;
  mutable std::mutex mutex_;
  std::deque<Job> queue_;           // not empty only while nobody is idle
  std::vector<Sleeper*> sleepers_;  // the last is the one that became idle last
  std::uint64_t refused_ = 0;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace guidon::api_http
