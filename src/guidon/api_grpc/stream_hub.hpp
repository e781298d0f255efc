// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "guidon/api_grpc/figures.hpp"
#include "guidon/app/application.hpp"

namespace guidon::api_grpc {

// One open stream. All but Stop are called on the hub's thread only.
class Stream {
 public:
  Stream() = default;
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  virtual ~Stream() = default;

  // Something may have changed, or an earlier write is through: sends what there is to send.
  virtual void Poll() = 0;
  // Once every kTick: ends the stream where its credential does not hold any more, and shows that it is alive.
  virtual void Tick() = 0;
  // Ends it with UNAVAILABLE. Any thread.
  virtual void Stop() = 0;
};

// Tells all streams when a snapshot was published, on one thread of its own, so that publishing never waits for them.
// Thread-safe.
class StreamHub {
 public:
  // Both outlive it.
  StreamHub(app::Application& app, Figures& figures);
  StreamHub(const StreamHub&) = delete;
  StreamHub& operator=(const StreamHub&) = delete;
  ~StreamHub();  // all streams have been removed by then

  static constexpr std::chrono::seconds kTick{10};
  // More streams than a node can feed only make all of them late.
  static constexpr std::size_t kStreamsMax = 10'000;

  // False where there are too many, or the hub is stopping. Polls it soon.
  bool Add(std::shared_ptr<Stream> stream);
  void Remove(const Stream* stream);
  void Wake();
  // Runs it on the hub's thread: for what reads the store.
  void Post(std::function<void()> work);
  // A stream's client has been sent a change; noted together with others'. The hub's thread only.
  void Received(const app::Propagation::Receipt& receipt) { receipts_.push_back(receipt); }
  app::Application& app() { return app_; }
  Figures& figures() { return figures_; }
  // Before the streams are told of a tick. Set before the first stream.
  void OnTick(std::function<void()> housekeeping);
  // Stops every stream, and refuses new ones.
  void Stop();

 private:
  void Run();

  app::Application& app_;
  Figures& figures_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool awake_ = false;
  bool stopping_ = false;
  bool ending_ = false;
  std::vector<std::shared_ptr<Stream>> streams_;
  std::vector<std::function<void()>> work_;
  std::function<void()> housekeeping_;
  std::vector<app::Propagation::Receipt> receipts_;  // of this round; of the hub's thread
  std::vector<std::pair<app::ChangeFeed*, std::uint64_t>> listeners_;
  std::thread thread_;
};

}  // namespace guidon::api_grpc
