// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "guidon/api_http/more_metrics.hpp"
#include "guidon/app/application.hpp"
#include "guidon/base/time.hpp"
#include "guidon/eval/evaluator.hpp"
#include "guidon/store/metered_table.hpp"

namespace guidon::api_http {

// A count with one writing thread and any number of readers: no locked instruction on the hot path.
class Count {
 public:
  void Add(std::uint64_t by = 1) {
    value_.store(value_.load(std::memory_order_relaxed) + by, std::memory_order_relaxed);
  }
  void Subtract(std::uint64_t by = 1) {
    value_.store(value_.load(std::memory_order_relaxed) - by, std::memory_order_relaxed);
  }
  std::uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

// Upper bounds of the request latency histogram, in seconds. Evaluations take microseconds; the health targets of spec
// 5 (0.1, 0.2 and 0.5 s) are bounds.
inline constexpr std::array<double, 15> kRequestBounds = {0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01,
                                                          0.025,   0.05,   0.1,     0.2,    0.5,   1,      2.5};
inline constexpr std::size_t kRoutesMax = 96;
inline constexpr std::size_t kNoRoute = kRoutesMax - 1;  // what was refused before a path was known
inline constexpr std::size_t kReasonCount = 8;
inline constexpr std::size_t kEvaluationErrorCount = 7;

// What one I/O context counts. Written by its thread only.
struct IoCounters {
  struct RouteCounters {
    std::array<Count, 6> by_class;  // [2] = 2xx …
    std::array<Count, kRequestBounds.size() + 1> latency;
    Count nanoseconds;
  };
  std::array<RouteCounters, kRoutesMax> routes;
  std::array<Count, kReasonCount> evaluations;
  std::array<Count, kEvaluationErrorCount> evaluation_errors;
  Count bulk_not_modified;
  Count connections_opened;
  Count connections_open;
  Count connections_refused;
  Count timeouts;
  Count streams_opened;
  Count streams_open;
  Count streams_dropped;     // did not read
  Count streams_revoked;     // the key no longer works
  Count stream_replays;      // clients that had missed something
  Count stream_events;       // sent
  Count stream_events_made;  // written down, once for all streams of a scope
  std::array<Count, kRequestBounds.size() + 1> stream_delivery;
  Count stream_delivery_nanoseconds;

  // From a snapshot's publication to an event's bytes being handed to the system.
  void NoteDelivery(std::chrono::nanoseconds duration);
  void NoteRequest(std::size_t route, int status, std::chrono::nanoseconds duration);
  void NoteEvaluation(const eval::Evaluation& evaluation) {
    evaluations[static_cast<std::size_t>(evaluation.reason)].Add();
    if (evaluation.error != model::EvaluationError::kNone)
      evaluation_errors[static_cast<std::size_t>(evaluation.error)].Add();
  }
};

struct WorkerFigures {
  std::size_t queued = 0;
  std::size_t threads = 0;
  std::uint64_t refused = 0;
};

// Everything that /metrics shows, as text. Thread-safe.
class Metrics {
 public:
  // All outlive the metrics. `more` may be empty.
  Metrics(app::Application& app, const store::MeteredTable& table, MoreMetrics more = {})
      : app_(app), table_(table), more_(std::move(more)) {}

  void AddIo(const IoCounters* counters);
  void RemoveIo(const IoCounters* counters);
  void SetWorkers(std::function<WorkerFigures()> figures);
  std::string Serialize() const;

 private:
  app::Application& app_;
  const store::MeteredTable& table_;
  const MoreMetrics more_;
  mutable std::mutex mutex_;
  std::vector<const IoCounters*> io_;
  std::function<WorkerFigures()> workers_;
};

}  // namespace guidon::api_http
