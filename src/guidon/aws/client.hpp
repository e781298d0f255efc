// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <expected>
#include <functional>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "guidon/aws/credential_cache.hpp"
#include "guidon/aws/http.hpp"
#include "guidon/aws/retry.hpp"
#include "guidon/aws/wait_clock.hpp"
#include "guidon/base/clock.hpp"
#include "guidon/base/error.hpp"

namespace guidon::aws {

struct ClientOptions {
  std::string service = "dynamodb";          // in the signature
  std::string target = "DynamoDB_20120810";  // before the operation in X-Amz-Target
  std::string content_type = "application/x-amz-json-1.0";
  std::string region = {};
  std::string endpoint = {};  // URL without a slash at its end
  std::chrono::milliseconds connect_timeout{1000};
  std::chrono::milliseconds attempt_timeout{5000};
  // Of a call with all its retries: below the 29 s of an API gateway (spec 5).
  std::chrono::milliseconds call_timeout{15'000};
  RetryOptions retry = {};
};

// Whether a request may be sent again after its answer was lost, when it may have been carried out.
enum class Repeat : std::uint8_t {
  kSafe,   // reads, and writes with an idempotency token
  kNever,  // the caller finds out first
};

struct CallOptions {
  Repeat repeat = Repeat::kSafe;
  std::optional<WaitClock::Time> deadline = std::nullopt;  // of several calls together; else call_timeout from now
  std::stop_token stop = {};
};

struct ServiceAnswer {
  std::string body;
  std::string request_id;
  int lost_answers = 0;  // of earlier attempts
};

struct ServiceError {
  // kUnavailable (no answer, throttled, 5xx), kPermissionDenied, kUnauthenticated, kNotFound (the resource), kConflict,
  // kInvalidArgument for other refusals.
  base::ErrorCode code = base::ErrorCode::kUnavailable;
  std::string type = {};     // "ConditionalCheckFailedException"; "" where no answer came
  std::string message = {};  // for a person, with the request id
  std::string request_id = {};
  std::string body = {};  // of the answer
  int status = 0;         // 0: no answer came
  // The request may have been carried out although no answer says so.
  bool outcome_unknown = false;
  int lost_answers = 0;  // of all attempts
};
base::Error ToError(const ServiceError& error);

// What DynamoDB's ThrottlingReasons tell apart.
enum class Throttle : std::uint8_t { kHotKey, kProvisioned, kOnDemandMax, kAccount, kOther };
inline constexpr std::size_t kThrottleCount = 5;
std::string_view NameOf(Throttle throttle);  // "hot_key" …: label of metrics

// Upper bounds, in seconds, of the latency histogram's buckets; one more bucket takes the rest.
inline constexpr std::array<double, 10> kCallLatencyBounds = {0.001, 0.0025, 0.005, 0.01, 0.025,
                                                              0.05,  0.1,    0.5,   2.5,  10};

// Counts since start.
struct ClientFigures {
  std::uint64_t calls = 0;
  std::uint64_t attempts = 0;
  std::uint64_t retries = 0;
  std::uint64_t failures = 0;  // calls that ended with an error other than a failed condition
  std::array<std::uint64_t, kThrottleCount> throttles = {};
  std::uint64_t lost_answers = 0;  // timeouts and broken connections after sending, 5xx, wrong checksums
  std::uint64_t connect_failures = 0;
  std::uint64_t checksum_errors = 0;
  std::uint64_t clock_corrections = 0;
  std::uint64_t credential_refusals = 0;
  std::uint64_t budget_refusals = 0;  // retries that were not made
  std::int64_t clock_skew_ms = 0;     // the service's clock less ours
  double seconds = 0;                 // of all calls
  std::array<std::uint64_t, kCallLatencyBounds.size() + 1> latency = {};
};

// Calls of a service that speaks AWS JSON: signs, sends, checks `x-amz-crc32`, retries with full jitter within a budget
// and a deadline (spec 5), corrects for a clock that is off, fetches new credentials when the old ones are refused.
// Thread-safe; calls block. The arguments must outlive it.
class Client {
 public:
  struct World {
    HttpTransport& transport;
    CredentialCache& credentials;
    const base::Clock& clock;
    WaitClock& wait_clock;
    std::function<double()> random = {};  // [0, 1), thread-safe; empty: a generator of its own
  };
  Client(ClientOptions options, World world);

  // `body` is the JSON of the request.
  std::expected<ServiceAnswer, ServiceError> Call(std::string_view operation, const std::string& body,
                                                  const CallOptions& options = {});

  const ClientOptions& options() const { return options_; }
  WaitClock::Time DeadlineFromNow() const { return world_.wait_clock.Now() + options_.call_timeout; }
  WaitClock& wait_clock() { return world_.wait_clock; }
  double Random();
  ClientFigures figures() const;

 private:
  struct Attempt;
  struct Progress;
  Attempt SendOnce(std::string_view operation, const std::string& body, std::chrono::milliseconds timeout,
                   const std::stop_token& stop);
  Attempt Read(HttpResponse response, const Credentials& used);
  Attempt Lost(const TransportError& error);
  void ReadRefusal(const HttpResponse& response, const Credentials& used, Attempt& attempt);
  bool CorrectClock(const HttpResponse& response);
  void CountEnd(WaitClock::Time begin, bool failed);

  const ClientOptions options_;
  World world_;
  RetryBudget budget_;
  std::atomic<std::int64_t> skew_ms_{0};
  mutable std::mutex figures_mutex_;
  ClientFigures figures_;
};

}  // namespace guidon::aws
