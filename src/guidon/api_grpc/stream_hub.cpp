// SPDX-License-Identifier: Apache-2.0
#include "guidon/api_grpc/stream_hub.hpp"

#include <algorithm>

namespace guidon::api_grpc {

StreamHub::StreamHub(app::Application& app, Figures& figures) : app_(app), figures_(figures) {
  for (const model::Environment& environment : app_.snapshots().environments()) {
    app::ChangeFeed* feed = app_.snapshots().FeedOf(environment.str());
    listeners_.emplace_back(feed, feed->Listen([this] { Wake(); }));
  }
  thread_ = std::thread([this] { Run(); });
}

StreamHub::~StreamHub() {
  for (const auto& [feed, listener] : listeners_) feed->Unlisten(listener);
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

bool StreamHub::Add(std::shared_ptr<Stream> stream) {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_ || streams_.size() >= kStreamsMax) return false;
    streams_.push_back(std::move(stream));
    figures_.streams.store(streams_.size(), std::memory_order_relaxed);
    awake_ = true;
  }
  changed_.notify_one();
  return true;
}

void StreamHub::Remove(const Stream* stream) {
  const std::lock_guard lock(mutex_);
  std::erase_if(streams_, [&](const auto& one) { return one.get() == stream; });
  figures_.streams.store(streams_.size(), std::memory_order_relaxed);
}

void StreamHub::Wake() {
  {
    const std::lock_guard lock(mutex_);
    awake_ = true;
  }
  changed_.notify_one();
}

void StreamHub::Post(std::function<void()> work) {
  {
    const std::lock_guard lock(mutex_);
    work_.push_back(std::move(work));
  }
  changed_.notify_one();
}

void StreamHub::OnTick(std::function<void()> housekeeping) {
  const std::lock_guard lock(mutex_);
  housekeeping_ = std::move(housekeeping);
}

void StreamHub::Stop() {
  std::vector<std::shared_ptr<Stream>> streams;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    streams = streams_;
  }
  for (const auto& stream : streams) stream->Stop();
}

void StreamHub::Run() {
  auto next_tick = std::chrono::steady_clock::now() + kTick;
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait_until(lock, next_tick, [&] { return awake_ || ending_ || !work_.empty(); });
    if (ending_ && work_.empty()) return;
    const bool tick = std::chrono::steady_clock::now() >= next_tick;
    const bool poll = std::exchange(awake_, false);
    const auto work = std::exchange(work_, {});
    const auto streams = poll || tick ? streams_ : decltype(streams_)();
    const auto housekeeping = tick ? housekeeping_ : nullptr;
    lock.unlock();
    if (housekeeping) housekeeping();
    for (const auto& one : work) one();
    for (const auto& stream : streams) {
      if (tick) stream->Tick();
      stream->Poll();
    }
    // While `streams` keeps them alive, whose clients these are.
    if (!receipts_.empty()) app_.receipts().Converged(receipts_);
    receipts_.clear();
    if (tick) next_tick = std::chrono::steady_clock::now() + kTick;
    lock.lock();
  }
}

}  // namespace guidon::api_grpc
