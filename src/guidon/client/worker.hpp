// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "guidon/client/backoff.hpp"
#include "guidon/client/client.hpp"
#include "guidon/client/core.hpp"
#include "guidon/client/http.hpp"
#include "guidon/client/sse_parser.hpp"
#include "guidon/client/usage.hpp"

namespace guidon::client {

// The client's thread: asks for definitions, follows the stream, publishes, keeps the file, sends acknowledgements and
// usage. One loop; everything that is waited for is under way at once in `Http`.
class Worker {
 public:
  // What is served from the beginning, if anything, and why a file was not taken ("" = nothing to say). `core` and
  // `options` outlive it.
  Worker(Core& core, const Options& options, std::string first_problem);
  // Ends the thread, within the options' shutdown_timeout and the writing of the file.
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

 private:
  void Run();
  void CompileFirst();
  void Publish(const Applied& applied);

  void StepFetch(SteadyTime now);
  std::string FetchUrl() const;
  void OnFetched(HttpAnswer answer);
  void OnDefinitions(HttpAnswer answer);
  void OnFetchFailed(const HttpAnswer& answer);

  void StepStream(SteadyTime now);
  bool OnStreamBytes(std::string_view bytes);
  void OnEvent(const SseEvent& event);
  void OnStreamEnded(const HttpAnswer& answer);

  void StepUsage(SteadyTime now);
  void CollectUsage();
  void OnUsageSent(const HttpAnswer& answer);
  void StepAcknowledge(SteadyTime now);
  void OnAcknowledged(const HttpAnswer& answer);
  void StepSave(SteadyTime now);
  void Save();
  void FinishUsage();

  HttpCall Call(std::string method, std::string url) const;
  void Confirm(SteadyTime at);
  void ReportState();
  void TellState();
  State StateNow() const;
  std::chrono::milliseconds WaitFrom(SteadyTime now) const;

  Core& core_;
  const Options& options_;
  const std::string origin_;
  const std::string definitions_url_;
  std::unique_ptr<Http> http_;
  std::atomic<bool> stopping_{false};

  // Of the thread from here on.
  std::shared_ptr<const eval::Snapshot> snapshot_;
  std::shared_ptr<const Texts> texts_;
  std::string detail_;             // what is wrong with the server, or with what it says; "" = nothing
  std::string file_problem_;       // with a file
  State told_ = State::kStarting;  // what the handler was told last
  bool refused_ = false;           // the server does not want this credential, or does not know the environment

  bool fetching_ = false;
  bool fetch_again_ = false;
  bool conditional_ = false;  // nothing says that something changed: 304 is likely
  std::string announced_;     // entity tag of the last event, until it is asked for
  std::string asked_for_;     // the same, while it is asked for
  SteadyTime fetch_due_{};
  Backoff fetch_backoff_;

  std::string stream_uri_;
  std::optional<std::uint64_t> stream_;
  std::unique_ptr<SseParser> parser_;
  std::string last_event_id_;
  bool streaming_ = false;
  SteadyTime stream_due_{};
  Backoff stream_backoff_;

  UsageQueue queue_;
  bool sending_usage_ = false;
  SteadyTime collect_due_{};
  SteadyTime usage_due_{};
  Backoff usage_backoff_;
  std::uint64_t usage_lost_ = 0;

  std::string to_acknowledge_;
  std::string acknowledging_;
  SteadyTime acknowledge_due_{};
  Backoff acknowledge_backoff_;

  bool dirty_ = false;
  SteadyTime save_due_{};
  SteadyTime saved_at_{};

  std::thread thread_;
};

}  // namespace guidon::client
