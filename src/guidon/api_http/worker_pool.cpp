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
  const std::lock_guard lock(mutex_);
  if (queue_.size() >= queue_max_ || stopping_) {
    ++refused_;
    return false;
  }
  if (sleepers_.empty()) {
    queue_.push_back(std::move(job));
    return true;
  }
  Sleeper& sleeper = *sleepers_.back();
  sleepers_.pop_back();
  sleeper.job = std::move(job);
  // Under the lock: the sleeper, and this condition with it, is gone as soon as it has seen the job.
  sleeper.wake.notify_one();
  return true;
}

void WorkerPool::Stop() {
  std::deque<Job> left;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    left.swap(queue_);
    for (Sleeper* sleeper : sleepers_) sleeper->wake.notify_one();
    sleepers_.clear();
  }
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
  while (Job job = Take()) job(false);
}

WorkerPool::Job WorkerPool::Take() {
  std::unique_lock lock(mutex_);
  if (!queue_.empty()) {
    Job job = std::move(queue_.front());
    queue_.pop_front();
    return job;
  }
  if (stopping_) return {};
  Sleeper self;
  sleepers_.push_back(&self);
  self.wake.wait(lock, [&] { return stopping_ || self.job; });
  return std::move(self.job);
}

}  // namespace guidon::api_http
