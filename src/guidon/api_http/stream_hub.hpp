// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "guidon/api_http/access.hpp"
#include "guidon/api_http/metrics.hpp"
#include "guidon/api_http/server.hpp"
#include "guidon/api_http/stream_request.hpp"
#include "guidon/app/application.hpp"
#include "guidon/flagd_service/status.hpp"

namespace guidon::api_http {

class StreamHub;
struct Stream;

// The way out to one client. Belongs to the hub's thread.
class StreamPeer {
 public:
  StreamPeer() = default;
  StreamPeer(const StreamPeer&) = delete;
  StreamPeer& operator=(const StreamPeer&) = delete;
  virtual ~StreamPeer() = default;
  // Bytes that were taken at once; fewer than given: no more room now. Nothing: the connection is gone.
  virtual std::optional<std::size_t> Send(std::string_view bytes) = 0;
  // Calls StreamHub::Writable once there is room again, and Ended when the client goes.
  virtual void AwaitRoom(Stream& stream) = 0;
  virtual void AwaitEnd(Stream& stream) = 0;
  // No calls of the hub from now on.
  virtual void Close() = 0;
};

// What the hub asks of its thread.
struct StreamScheduler {
  std::function<void()> pump_soon;                            // any thread: Pump() once, soon
  std::function<void(std::chrono::milliseconds)> pump_after;  // hub's thread: Pump() then; replaces the last such call
};

// All event streams of one I/O context. Listens to the feeds of all environments; an event is written down once for all
// streams of a scope (same environment, same tenant) and sent from there. A client that does not read gets no queue: of
// evaluation events only the newest matters, the others go on from the feed, or are told to begin anew; one that has
// not read for the write timeout is closed. Sends to so many streams at a time, then lets requests have their turn.
// Belongs to one thread, but for the feeds' wake-up.
class StreamHub {
 public:
  using Clock = std::chrono::steady_clock;

  // `app`, `counters` and `ring` outlive it.
  StreamHub(app::Application& app, IoCounters& counters, RingReader& ring, const ServerLimits& limits,
            StreamScheduler scheduler);
  ~StreamHub();
  StreamHub(const StreamHub&) = delete;
  StreamHub& operator=(const StreamHub&) = delete;

  // Takes over a connection whose answer's head is sent.
  void Adopt(std::shared_ptr<StreamPeer> peer, StreamRequest request, Clock::time_point now);
  void Writable(Stream& stream);
  void Ended(Stream& stream);
  // Sends what there is to send, so many at a time.
  void Pump(Clock::time_point now);
  // About once a second: keep-alive comments, streams whose time is up or whose key no longer works.
  void Tick();
  // Tells all clients when to come back, spread out, and closes.
  void Drain();
  std::size_t size() const { return streams_; }

 private:
  struct Scope;
  struct Environment;

  Environment* EnvironmentOf(std::string_view name);
  Scope& ScopeOf(Environment& environment, const StreamRequest& request);
  std::uint64_t Begin(Stream& stream, const StreamRequest& request);
  void ReadFeed(Environment& environment, Clock::time_point now);
  void Concern(Scope& scope, const app::FeedEntry& entry, Clock::time_point now);
  void FlushBursts(Clock::time_point now);
  void Release(Scope& scope, Clock::time_point now);
  void MakeDue(Scope& scope);
  void Serve(Stream& stream);
  bool SendCurrent(Stream& stream);
  std::shared_ptr<const std::string> NextOf(Stream& stream);
  std::shared_ptr<const std::string> NextEvaluationEvent(Stream& stream);
  std::shared_ptr<const std::string> NextManagementEvent(Stream& stream);
  std::shared_ptr<const std::string> NextFlagdEvent(Stream& stream);
  void NoteSent(Stream& stream);
  void NoteNothingToSee(Stream& stream, std::uint64_t told);
  void FlushReceipts();
  void ShowProgress(Environment& environment);
  void End(Stream& stream);
  void SayGoodbye(Stream& stream, std::chrono::milliseconds to);
  void Fail(Stream& stream, const flagd_service::Failure& failure);
  std::string RetryText(std::chrono::milliseconds to);

  app::Application& app_;
  IoCounters& counters_;
  RingReader& ring_;
  const ServerLimits& limits_;
  const StreamScheduler scheduler_;
  std::vector<std::unique_ptr<Environment>> environments_;
  std::deque<Scope*> due_;                           // each once; Scope::due
  std::vector<app::Propagation::Receipt> receipts_;  // of this round, to be noted together
  std::size_t streams_ = 0;
  std::uint64_t tick_ = 0;
  std::uint64_t ring_generation_ = 0;
  std::atomic<bool> woken_{false};
  std::minstd_rand random_;
};

}  // namespace guidon::api_http
