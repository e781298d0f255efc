// SPDX-License-Identifier: Apache-2.0
#include "guidon/aws/client.hpp"

#include <algorithm>
#include <charconv>
#include <random>

#include <fmt/format.h>

#include "guidon/aws/digest.hpp"
#include "guidon/aws/signer.hpp"
#include "guidon/json/json.hpp"

namespace guidon::aws {
namespace {

using base::ErrorCode;

// A smaller difference is no reason to refuse a signature, and more than the second that a Date header is exact to.
constexpr std::int64_t kSkewMillisecondsMin = 60'000;
constexpr std::size_t kQuotedBytesMax = 300;  // of an answer that is no AWS error, in a message

double DefaultRandom() {
  thread_local std::minstd_rand generator(std::random_device{}());
  return std::generate_canonical<double, 32>(generator);
}

std::string HeaderOf(const HttpResponse& response, const std::string& name) {
  const auto found = response.headers.find(name);
  return found != response.headers.end() ? found->second : std::string();
}

// "com.amazonaws.dynamodb.v20120810#ThrottlingException" and "ThrottlingException:http://…" are ThrottlingException.
std::string ShortType(std::string_view type) {
  if (const std::size_t hash = type.find('#'); hash != std::string_view::npos) type.remove_prefix(hash + 1);
  return std::string(type.substr(0, type.find(':')));
}

std::string TextAt(const model::Object& object, std::string_view name) {
  const model::Value* value = object.Find(name);
  const std::string* text = value != nullptr ? value->AsString() : nullptr;
  return text != nullptr ? *text : std::string();
}

bool IsThrottle(std::string_view type) {
  constexpr std::array<std::string_view, 7> kTypes = {"ProvisionedThroughputExceededException",
                                                      "ThrottlingException",
                                                      "Throttling",
                                                      "RequestLimitExceeded",
                                                      "RequestThrottledException",
                                                      "TooManyRequestsException",
                                                      "SlowDown"};
  return std::ranges::find(kTypes, type) != kTypes.end();
}

bool IsCredentialProblem(std::string_view type) {
  constexpr std::array<std::string_view, 4> kTypes = {"ExpiredTokenException", "ExpiredToken",
                                                      "UnrecognizedClientException", "InvalidClientTokenId"};
  return std::ranges::find(kTypes, type) != kTypes.end();
}

// A clock that is off shows as one of these; the service's Date header tells whether it is.
bool MayBeClockProblem(std::string_view type) {
  constexpr std::array<std::string_view, 6> kTypes = {"RequestTimeTooSkewed",  "RequestExpired",
                                                      "RequestInTheFuture",    "InvalidSignatureException",
                                                      "SignatureDoesNotMatch", "AuthFailure"};
  return std::ranges::find(kTypes, type) != kTypes.end();
}

ErrorCode CodeOf(std::string_view type, int status) {
  if (type == "ResourceNotFoundException" || type == "TableNotFoundException") return ErrorCode::kNotFound;
  if (type == "ResourceInUseException" || type == "TransactionConflictException") return ErrorCode::kConflict;
  if (type == "AccessDeniedException") return ErrorCode::kPermissionDenied;
  if (IsCredentialProblem(type) || MayBeClockProblem(type) || type == "MissingAuthenticationTokenException" ||
      type == "IncompleteSignatureException")
    return ErrorCode::kUnauthenticated;
  if (IsThrottle(type) || status >= 500 || type == "TransactionInProgressException" || type == "LimitExceededException")
    return ErrorCode::kUnavailable;
  return ErrorCode::kInvalidArgument;
}

Throttle ThrottleOf(std::string_view type, std::string_view reason) {
  if (reason.contains("KeyRangeThroughput")) return Throttle::kHotKey;
  if (reason.contains("MaxOnDemandThroughput")) return Throttle::kOnDemandMax;
  if (reason.contains("AccountLimit") || type == "RequestLimitExceeded") return Throttle::kAccount;
  if (reason.contains("ProvisionedThroughput") || type == "ProvisionedThroughputExceededException")
    return Throttle::kProvisioned;
  return Throttle::kOther;
}

std::string_view AdviceOf(Throttle throttle) {
  switch (throttle) {
    case Throttle::kHotKey: return "one key gets more requests than a partition serves: more capacity does not help";
    case Throttle::kProvisioned: return "the provisioned capacity is used up: raise it, or use on-demand billing";
    case Throttle::kOnDemandMax: return "the configured maximum of the on-demand table is reached: raise it";
    case Throttle::kAccount: return "a quota of the account is reached: ask for a higher one";
    case Throttle::kOther: return "the service asks for fewer requests";
  }
  return "";
}

// Reasons and what they are about: "TableWriteKeyRangeThroughputExceeded arn:…".
std::string ThrottlingReasons(const model::Object& body) {
  const model::Value* reasons = body.Find("ThrottlingReasons");
  if (reasons == nullptr || reasons->AsList() == nullptr) return {};
  std::string text;
  for (const model::Value& reason : *reasons->AsList()) {
    if (reason.AsObject() == nullptr) continue;
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", TextAt(*reason.AsObject(), "reason"),
                        TextAt(*reason.AsObject(), "resource"));
  }
  return text;
}

// RFC 9110's preferred form: "Sun, 22 Nov 2026 04:23:00 GMT".
std::optional<base::Timestamp> ParseHttpDate(std::string_view text) {
  constexpr std::string_view kMonths = "JanFebMarAprMayJunJulAugSepOctNovDec";
  if (text.size() != 29 || !text.ends_with(" GMT")) return std::nullopt;
  const std::size_t month = kMonths.find(text.substr(8, 3));
  if (month == std::string_view::npos || month % 3 != 0) return std::nullopt;
  const auto time = base::ParseTimestamp(
      fmt::format("{}-{:02}-{}T{}Z", text.substr(12, 4), month / 3 + 1, text.substr(5, 2), text.substr(17, 8)));
  if (!time) return std::nullopt;
  return *time;
}

bool ChecksumHolds(const HttpResponse& response) {
  const std::string expected = HeaderOf(response, "x-amz-crc32");
  if (expected.empty()) return true;
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(expected.data(), expected.data() + expected.size(), value);
  return error == std::errc{} && end == expected.data() + expected.size() && value == Crc32(response.body);
}

}  // namespace

// What one attempt came to, and what may follow.
struct Client::Attempt {
  enum class Next : std::uint8_t { kDone, kFail, kRetry, kRetryThrottled, kRetryAtOnce };
  Next next = Next::kFail;
  bool lost = false;     // carried out or not: unknown
  bool timeout = false;  // costs more of the budget
  ServiceAnswer answer = {};
  ServiceError error = {};
};

// Of one call.
struct Client::Progress {
  int attempt = 0;
  int lost_answers = 0;
  int at_once = 0;  // repetitions for new credentials or another clock
};

std::string_view NameOf(Throttle throttle) {
  switch (throttle) {
    case Throttle::kHotKey: return "hot_key";
    case Throttle::kProvisioned: return "provisioned";
    case Throttle::kOnDemandMax: return "on_demand_max";
    case Throttle::kAccount: return "account";
    case Throttle::kOther: return "other";
  }
  return "";
}

base::Error ToError(const ServiceError& error) { return {.code = error.code, .message = error.message}; }

Client::Client(ClientOptions options, World world)
    : options_(std::move(options)), world_(std::move(world)), budget_(options_.retry) {}

double Client::Random() { return world_.random ? world_.random() : DefaultRandom(); }

// The service's clock, where it differs enough to be why a signature was refused.
bool Client::CorrectClock(const HttpResponse& response) {
  const auto date = ParseHttpDate(HeaderOf(response, "date"));
  if (!date) return false;
  const std::int64_t skew = (*date - world_.clock.Now()).count();
  if (std::abs(skew - skew_ms_.load()) < kSkewMillisecondsMin) return false;
  skew_ms_.store(skew);
  const std::lock_guard lock(figures_mutex_);
  ++figures_.clock_corrections;
  return true;
}

Client::Attempt Client::Lost(const TransportError& error) {
  Attempt attempt{.next = Attempt::Next::kRetry, .lost = error.maybe_received};
  attempt.timeout = error.kind == TransportError::Kind::kTimeout;
  attempt.error.message = fmt::format("no answer from {}: {}", options_.endpoint, error.message);
  if (error.kind == TransportError::Kind::kCancelled) attempt.next = Attempt::Next::kFail;
  const std::lock_guard lock(figures_mutex_);
  ++(error.maybe_received ? figures_.lost_answers : figures_.connect_failures);
  return attempt;
}

void Client::ReadRefusal(const HttpResponse& response, const Credentials& used, Attempt& attempt) {
  ServiceError& error = attempt.error;
  std::string text;
  std::string reasons;
  if (const auto body = json::Parse(response.body); body && body->AsObject() != nullptr) {
    const model::Object& object = *body->AsObject();
    error.type = ShortType(TextAt(object, "__type"));
    text = TextAt(object, "message");
    if (text.empty()) text = TextAt(object, "Message");
    reasons = ThrottlingReasons(object);
  }
  if (error.type.empty()) error.type = ShortType(HeaderOf(response, "x-amzn-errortype"));
  if (error.type.empty() && text.empty()) text = response.body.substr(0, kQuotedBytesMax);
  error.code = CodeOf(error.type, response.status);
  error.message = fmt::format("{}: {} (status {}, request id {})", error.type.empty() ? "error" : error.type, text,
                              response.status, error.request_id.empty() ? "none" : error.request_id);
  if (IsThrottle(error.type)) {
    const Throttle throttle = ThrottleOf(error.type, reasons);
    error.message += fmt::format("; {}{}{}", AdviceOf(throttle), reasons.empty() ? "" : ": ", reasons);
    attempt.next = Attempt::Next::kRetryThrottled;
    const std::lock_guard lock(figures_mutex_);
    ++figures_.throttles[static_cast<std::size_t>(throttle)];
  } else if (error.type == "TransactionInProgressException" || error.type == "TransactionConflictException") {
    attempt.next = Attempt::Next::kRetry;
  } else if (response.status >= 500) {
    attempt.next = Attempt::Next::kRetry;
    attempt.lost = true;
    const std::lock_guard lock(figures_mutex_);
    ++figures_.lost_answers;
  } else if (IsCredentialProblem(error.type)) {
    world_.credentials.Refuse(used);
    attempt.next = Attempt::Next::kRetryAtOnce;
    const std::lock_guard lock(figures_mutex_);
    ++figures_.credential_refusals;
  } else if (MayBeClockProblem(error.type) && CorrectClock(response)) {
    attempt.next = Attempt::Next::kRetryAtOnce;
  }
}

Client::Attempt Client::Read(HttpResponse response, const Credentials& used) {
  Attempt attempt;
  attempt.error.request_id = HeaderOf(response, "x-amzn-requestid");
  attempt.error.status = response.status;
  if (!ChecksumHolds(response)) {
    attempt.next = Attempt::Next::kRetry;
    attempt.lost = true;
    attempt.error.message = fmt::format("the answer of {} was damaged on its way: wrong checksum (request id {})",
                                        options_.endpoint, attempt.error.request_id);
    const std::lock_guard lock(figures_mutex_);
    ++figures_.checksum_errors;
    ++figures_.lost_answers;
    return attempt;
  }
  if (response.status == 200) {
    attempt.next = Attempt::Next::kDone;
    attempt.answer = {.body = std::move(response.body), .request_id = attempt.error.request_id};
    return attempt;
  }
  ReadRefusal(response, used, attempt);
  attempt.error.body = std::move(response.body);
  return attempt;
}

Client::Attempt Client::SendOnce(std::string_view operation, const std::string& body, std::chrono::milliseconds timeout,
                                 const std::stop_token& stop) {
  auto credentials = world_.credentials.Get();
  if (!credentials) {
    Attempt attempt;
    attempt.error.code = credentials.error().code;
    attempt.error.message = credentials.error().message;
    return attempt;
  }
  HttpRequest request{.url = options_.endpoint + "/",
                      .headers = {{"content-type", options_.content_type},
                                  {"accept-encoding", "identity"},
                                  {"x-amz-target", fmt::format("{}.{}", options_.target, operation)}},
                      .body = body,
                      .connect_timeout = std::min(options_.connect_timeout, timeout),
                      .timeout = timeout,
                      .direct = IsLoopbackHost(SplitUrl(options_.endpoint).host)};
  Sign(request, *credentials, {.region = options_.region, .service = options_.service},
       world_.clock.Now() + std::chrono::milliseconds{skew_ms_.load()});
  {
    const std::lock_guard lock(figures_mutex_);
    ++figures_.attempts;
  }
  auto response = world_.transport.Send(request, stop);
  return response ? Read(*std::move(response), *credentials) : Lost(response.error());
}

void Client::CountEnd(WaitClock::Time begin, bool failed) {
  const double seconds = std::chrono::duration<double>(world_.wait_clock.Now() - begin).count();
  std::size_t bucket = 0;
  while (bucket < kCallLatencyBounds.size() && seconds > kCallLatencyBounds[bucket]) ++bucket;
  const std::lock_guard lock(figures_mutex_);
  ++figures_.calls;
  figures_.seconds += seconds;
  ++figures_.latency[bucket];
  if (failed) ++figures_.failures;
}

std::expected<ServiceAnswer, ServiceError> Client::Call(std::string_view operation, const std::string& body,
                                                        const CallOptions& options) {
  using Next = Attempt::Next;
  const WaitClock::Time begin = world_.wait_clock.Now();
  const WaitClock::Time deadline = options.deadline.value_or(begin + options_.call_timeout);
  const auto left = [&] {
    return std::chrono::duration_cast<std::chrono::milliseconds>(deadline - world_.wait_clock.Now());
  };
  Progress progress;
  while (true) {
    const auto timeout = std::clamp(left(), std::chrono::milliseconds{1}, options_.attempt_timeout);
    Attempt attempt = SendOnce(operation, body, timeout, options.stop);
    if (attempt.next == Next::kDone) {
      budget_.GiveBack();
      CountEnd(begin, false);
      attempt.answer.lost_answers = progress.lost_answers;
      return std::move(attempt.answer);
    }
    ++progress.attempt;
    if (attempt.lost) ++progress.lost_answers;
    bool again = attempt.next != Next::kFail && !(attempt.lost && options.repeat == Repeat::kNever);
    again = again && progress.attempt < options_.retry.attempts_max;
    std::chrono::milliseconds delay{0};
    if (again && attempt.next == Next::kRetryAtOnce) {
      again = progress.at_once++ == 0;  // a second refusal is not for that reason
    } else if (again) {
      delay = RetryDelay(options_.retry, progress.attempt, attempt.next == Next::kRetryThrottled, Random());
      again = delay < left();
      if (again && !budget_.Take(attempt.timeout)) {
        again = false;
        const std::lock_guard lock(figures_mutex_);
        ++figures_.budget_refusals;
      }
    }
    if (again && delay.count() > 0) again = world_.wait_clock.Pause(delay, options.stop);
    if (again) {
      const std::lock_guard lock(figures_mutex_);
      ++figures_.retries;
      continue;
    }
    attempt.error.outcome_unknown = progress.lost_answers > 0;
    attempt.error.lost_answers = progress.lost_answers;
    const bool answered =
        attempt.error.type == "ConditionalCheckFailedException" || attempt.error.type == "TransactionCanceledException";
    CountEnd(begin, !answered);
    return std::unexpected(std::move(attempt.error));
  }
}

ClientFigures Client::figures() const {
  const std::lock_guard lock(figures_mutex_);
  ClientFigures figures = figures_;
  figures.clock_skew_ms = skew_ms_.load();
  return figures;
}

}  // namespace guidon::aws
