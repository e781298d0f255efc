// SPDX-License-Identifier: Apache-2.0
#include "guidon/api_http/worker_pool.hpp"

#include <algorithm>
#include <utility>

namespace guidon::api_http {

WorkerPool::WorkerPool(unsigned threads, std::size_t queue_max) : queue_max_(queue_max) {
  threads_.reserve(threads);
  for (unsigned i = 0; i < std::max(threads, 1U); ++i) threads_.emplace_back([this] { Run(); });
}

WorkerPool::~WorkerPool() { Stop(); }

bool WorkerPool::Submit(Job& job) {
  {
    const std::lock_guard lock(mutex_);
    if (queue_.size() >= queue_max_ || stopping_) {
      ++refused_;
      return false;
    }
    queue_.push_back(std::move(job));
  }
  wake_.notify_one();
  return true;
}

void WorkerPool::Stop() {
  std::deque<Job> left;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    left.swap(queue_);
  }
  wake_.notify_all();
  for (Job& job : left) job(true);
  for (std::thread& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
}

WorkerFigures WorkerPool::figures() const {
  const std::lock_guard lock(mutex_);
  return {.queued = queue_.size(), .threads = threads_.size(), .refused = refused_};
}

void WorkerPool::Run() {
  for (;;) {
    Job job;
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
      if (queue_.empty()) return;
      job = std::move(queue_.front());
      queue_.pop_front();
    }
    job(false);
  }
}

}  // namespace guidon::api_http
