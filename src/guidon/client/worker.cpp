// SPDX-License-Identifier: Apache-2.0
#include "guidon/client/worker.hpp"

#include <algorithm>
#include <charconv>
#include <csignal>
#include <cstring>
#include <exception>
#include <system_error>
#include <utility>

#include <pthread.h>

#include "guidon/base/random.hpp"
#include "guidon/client/disk_snapshot.hpp"
#include "guidon/json/json.hpp"

namespace guidon::client {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Clock = std::chrono::steady_clock;

// What is pushed needs no polling; this finds what a broken push would hide.
constexpr seconds kPollWhileStreaming{300};
// The server says something every 20 seconds.
constexpr seconds kStreamSilenceMax{75};
// A server without receipts or usage may be updated.
constexpr seconds kUnsupportedPause{600};
constexpr seconds kRetryAfterMax{300};
constexpr seconds kSaveInterval{1};
// So that the file says how old its definitions are, also where they never change.
constexpr seconds kResaveInterval{600};
constexpr milliseconds kLoopMax{1000};
constexpr milliseconds kReclaimAgain{50};
constexpr milliseconds kFinishStep{50};
constexpr int kOk = 200;
constexpr int kNoContent = 204;
constexpr int kNotModified = 304;
constexpr int kUnauthorized = 401;
constexpr int kForbidden = 403;
constexpr int kNotFound = 404;
constexpr int kNotAllowed = 405;
constexpr int kTooMany = 429;
constexpr int kServerErrors = 500;
constexpr std::string_view kUserAgent = "guidon-client/" GUIDON_VERSION;

std::uint64_t Seed() {
  std::uint64_t seed = 0;
  const std::string bytes = base::RandomBytes(sizeof seed);
  std::memcpy(&seed, bytes.data(), sizeof seed);
  return seed;
}

// "https://host:port" of a URL, without a slash.
std::string OriginOf(const std::string& url) {
  const std::size_t host = url.find("://");
  return url.substr(0, host == std::string::npos ? 0 : url.find('/', host + 3));
}

std::string WithoutSlash(std::string url) {
  while (url.ends_with('/')) url.pop_back();
  return url;
}

milliseconds RetryAfter(const HttpAnswer& answer) {
  const auto header = answer.headers.find("retry-after");
  if (header == answer.headers.end()) return milliseconds(0);
  int number = 0;
  const std::string& text = header->second;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || number < 0) return milliseconds(0);
  return std::min<milliseconds>(seconds(number), kRetryAfterMax);
}

bool MayComeBack(const HttpAnswer& answer) {
  return answer.status == 0 || answer.status == kTooMany || answer.status >= kServerErrors;
}

// The server knows states by the tag without what a full load appended.
std::string TagWithoutRevision(const std::string& tag) {
  const std::size_t mark = tag.find('.');
  return mark == std::string::npos ? tag : tag.substr(0, mark) + '"';
}

std::string DetailOf(const HttpAnswer& answer) {
  switch (answer.status) {
    case 0:
      return "The server cannot be reached: " + answer.error +
             ". The client goes on with what it has, and tries again.";
    case kUnauthorized:
      return "The server refuses the key (401): it is unknown, expired or revoked. Give the client a server key of "
             "this environment.";
    case kForbidden:
      return "The server refuses the key for this (403). Definitions are for server keys of the environment.";
    case kNotFound: return "The server has no such environment, or is too old to hand out definitions (404).";
    default:
      return "The server answered with status " + std::to_string(answer.status) +
             ". The client goes on with what it has, and tries again.";
  }
}

void BlockSignals() {
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, nullptr);
}

}  // namespace

Worker::Worker(Core& core, const Options& options, std::string first_problem)
    : core_(core),
      options_(options),
      origin_(OriginOf(options.url)),
      definitions_url_(WithoutSlash(options.url) + "/api/v1/environments/" + UrlEncode(options.environment)),
      file_problem_(std::move(first_problem)),
      fetch_backoff_(Seed()),
      stream_backoff_(Seed()),
      usage_backoff_(Seed()),
      acknowledge_backoff_(Seed()) {
  if (const Definitions* first = core_.served.current()) {
    snapshot_ = first->compiled;
    texts_ = first->texts;
  }
  if (!options_.url.empty()) {
    auto http = Http::Create(std::string(kUserAgent), options_.ca_bundle);
    if (http) {
      http_ = *std::move(http);
    } else {
      detail_ = http.error().message;
    }
  }
  ReportState();
  try {
    thread_ = std::thread([this] { Run(); });
  } catch (const std::system_error& e) {
    const std::lock_guard lock(core_.mutex);
    core_.status.detail = std::string("The client has no thread, so nothing is updated: ") + e.what();
  }
}

Worker::~Worker() {
  {
    const std::lock_guard lock(core_.mutex);  // whoever is about to wait has seen it or is woken
    stopping_.store(true);
  }
  core_.status_changed.notify_all();
  if (http_) http_->Wake();
  if (thread_.joinable()) thread_.join();
}

void Worker::Run() {
  BlockSignals();
  try {
    CompileFirst();
    collect_due_ = Clock::now() + options_.usage_interval;
    while (!stopping_.load()) {
      const SteadyTime now = Clock::now();
      StepSave(now);
      if (http_) {
        StepFetch(now);
        StepStream(now);
        StepUsage(now);
        StepAcknowledge(now);
      }
      ReportState();
      TellState();
      core_.served.Reclaim();
      if (http_) {
        http_->Poll(WaitFrom(now));
      } else {
        std::unique_lock lock(core_.mutex);
        core_.status_changed.wait_for(lock, WaitFrom(now), [this] { return stopping_.load(); });
      }
    }
    if (http_) FinishUsage();
    if (texts_ != nullptr && !options_.snapshot_path.empty()) Save();
  } catch (const std::exception& e) {
    // Out of memory, most likely: evaluations go on with what there is.
    const std::lock_guard lock(core_.mutex);
    core_.status.detail = std::string("The client's thread ended, so nothing is updated any more: ") + e.what();
  }
}

// What came from disk is served one by one until everything is compiled.
void Worker::CompileFirst() {
  if (texts_ == nullptr || snapshot_ != nullptr) return;
  snapshot_ = CompileAll(*texts_, nullptr);
  core_.served.Publish(std::make_unique<const Definitions>(Definitions{.compiled = snapshot_, .texts = texts_}));
  ReportState();  // who is told of the change may ask for the state
  if (options_.on_change) options_.on_change({.everything = true});
}

void Worker::Publish(const Applied& applied) {
  core_.served.Publish(std::make_unique<const Definitions>(Definitions{.compiled = snapshot_, .texts = texts_}));
  dirty_ = true;
  to_acknowledge_ = TagWithoutRevision(texts_->etag);
  acknowledge_due_ = std::min(acknowledge_due_, Clock::now());
  const bool everything = applied.whole || applied.surroundings;
  ReportState();
  if (options_.on_change && (everything || !applied.flags.empty()))
    options_.on_change({.everything = everything, .flags = applied.flags});
}

HttpCall Worker::Call(std::string method, std::string url) const {
  HttpCall call{.method = std::move(method), .url = std::move(url), .timeout = options_.request_timeout};
  if (!options_.api_key.empty()) call.headers.emplace_back("Authorization", "Bearer " + options_.api_key);
  return call;
}

std::string Worker::FetchUrl() const {
  std::string url = definitions_url_ + "/definitions";
  char separator = '?';
  const auto add = [&](std::string_view name, const std::string& value) {
    if (value.empty()) return;
    url += std::exchange(separator, '&');
    url += name;
    url += '=' + UrlEncode(value);
  };
  std::string flags;
  for (const std::string& key : options_.flags) flags += (flags.empty() ? "" : ",") + key;
  add("flags", flags);
  if (texts_ != nullptr && snapshot_ != nullptr) add("since", texts_->etag);
  add("flagConfigEtag", announced_);
  return url;
}

void Worker::StepFetch(SteadyTime now) {
  if (fetching_ || now < fetch_due_) return;
  HttpCall call = Call("GET", FetchUrl());
  if (conditional_ && texts_ != nullptr && !texts_->etag.empty())
    call.headers.emplace_back("If-None-Match", texts_->etag);
  call.done = [this](HttpAnswer answer) { OnFetched(std::move(answer)); };
  fetching_ = true;
  fetch_again_ = false;
  asked_for_ = std::exchange(announced_, {});
  http_->Start(std::move(call));
}

void Worker::OnFetched(HttpAnswer answer) {
  const SteadyTime now = Clock::now();
  fetching_ = false;
  if (answer.status == kOk) {
    OnDefinitions(std::move(answer));
  } else if (answer.status == kNotModified) {
    fetch_backoff_.Succeed();
    detail_.clear();
    refused_ = false;
    Confirm(now);
    fetch_due_ = now + (streaming_ ? kPollWhileStreaming : options_.poll_interval);
    conditional_ = true;
  } else {
    OnFetchFailed(answer);
  }
  if (fetch_again_) {
    fetch_due_ = std::min(fetch_due_, now);
    conditional_ = false;
  }
}

void Worker::OnDefinitions(HttpAnswer answer) {
  const SteadyTime now = Clock::now();
  Texts next = texts_ == nullptr ? Texts{.environment = options_.environment} : *texts_;
  const auto tag = answer.headers.find("etag");
  auto applied = ApplyAnswer(answer.body, tag == answer.headers.end() ? "" : tag->second, next, snapshot_.get());
  if (!applied) {
    detail_ = "The server's definitions cannot be read (" + applied.error().field + ' ' + applied.error().message +
              "). The client goes on with what it has, and asks for all of them again.";
    if (texts_ != nullptr) {
      next = *texts_;
      next.etag.clear();
      texts_ = std::make_shared<const Texts>(std::move(next));
    }
    fetch_due_ = now + fetch_backoff_.Fail();
    return;
  }
  fetch_backoff_.Succeed();
  detail_.clear();
  refused_ = false;
  snapshot_ = applied->snapshot;
  texts_ = std::make_shared<const Texts>(std::move(next));
  // A stream that works is not left for another address.
  if (!stream_) stream_uri_ = applied->stream_uri;
  Confirm(now);
  Publish(*applied);
  fetch_due_ = now + (streaming_ ? kPollWhileStreaming : options_.poll_interval);
  conditional_ = true;
}

void Worker::OnFetchFailed(const HttpAnswer& answer) {
  if (announced_.empty()) announced_ = asked_for_;
  detail_ = DetailOf(answer);
  refused_ = answer.status == kUnauthorized || answer.status == kForbidden || answer.status == kNotFound;
  fetch_due_ = Clock::now() + std::max(fetch_backoff_.Fail(), RetryAfter(answer));
}

void Worker::StepStream(SteadyTime now) {
  if (!options_.stream || stream_ || stream_uri_.empty() || now < stream_due_) return;
  // The credential and the token go nowhere but to the server that was configured.
  if (!stream_uri_.starts_with('/') && OriginOf(stream_uri_) != origin_) {
    detail_ = "The server names an event stream on another host, which is not followed; the client polls.";
    stream_uri_.clear();
    return;
  }
  HttpCall call{.url = stream_uri_.starts_with('/') ? origin_ + stream_uri_ : stream_uri_,
                .headers = {{"Accept", "text/event-stream"}},
                .silence_max = kStreamSilenceMax};
  if (!last_event_id_.empty()) call.headers.emplace_back("Last-Event-ID", last_event_id_);
  parser_ = std::make_unique<SseParser>([this](const SseEvent& event) { OnEvent(event); });
  call.on_data = [this](std::string_view bytes) { return OnStreamBytes(bytes); };
  call.done = [this](const HttpAnswer& answer) { OnStreamEnded(answer); };
  stream_ = http_->Start(std::move(call));
}

bool Worker::OnStreamBytes(std::string_view bytes) {
  const bool good = parser_->Feed(bytes);
  if (!streaming_) {
    streaming_ = true;
    stream_backoff_.Succeed();
    fetch_due_ = std::max(fetch_due_, Clock::now() + kPollWhileStreaming);
    if (fetch_again_ || !announced_.empty()) fetch_due_ = Clock::now();
  }
  // Whoever has heard of nothing since the last answer has what the server has.
  if (!fetching_ && announced_.empty() && detail_.empty()) Confirm(Clock::now());
  return good;
}

void Worker::OnEvent(const SseEvent& event) {
  last_event_id_ = event.id;
  if (event.type != "message") return;
  const auto data = json::Parse(event.data);
  const model::Object* members = data ? data->AsObject() : nullptr;
  if (members == nullptr) return;
  const model::Value* type = members->Find("type");
  if (type == nullptr || type->AsString() == nullptr || *type->AsString() != "refetchEvaluation") return;
  const model::Value* tag = members->Find("etag");
  announced_ = tag == nullptr || tag->AsString() == nullptr ? "" : *tag->AsString();
  fetch_again_ = true;
  conditional_ = false;
  if (!fetching_ && fetch_backoff_.failures() == 0) fetch_due_ = Clock::now();
}

void Worker::OnStreamEnded(const HttpAnswer& answer) {
  const SteadyTime now = Clock::now();
  const milliseconds asked = parser_->retry().value_or(milliseconds(0));
  stream_.reset();
  if (std::exchange(streaming_, false)) {
    // The server said when to come back; that everybody was told another time is its business.
    stream_due_ = now + asked + stream_backoff_.UpTo(kBackoffBase);
    fetch_due_ = std::min(fetch_due_, now + options_.poll_interval);
    return;
  }
  stream_due_ = now + std::max(stream_backoff_.Fail(), RetryAfter(answer));
  if (answer.status == kUnauthorized || answer.status == kForbidden || answer.status == kNotFound) {
    // The address has ended: an answer names another.
    stream_uri_.clear();
    fetch_due_ = std::min(fetch_due_, stream_due_);
    conditional_ = false;
  }
}

void Worker::CollectUsage() { usage_lost_ += queue_.Add(core_.usage.Collect()); }

void Worker::StepUsage(SteadyTime now) {
  if (!options_.send_usage) return;
  if (now >= collect_due_) {
    CollectUsage();
    collect_due_ = now + options_.usage_interval;
  }
  if (sending_usage_ || queue_.empty() || now < usage_due_) return;
  HttpCall call = Call("POST", WithoutSlash(options_.url) + "/api/v1/usage");
  call.headers.emplace_back("Content-Type", "application/json");
  call.headers.emplace_back("Guidon-Environment", options_.environment);  // where the key belongs to none, or to many
  call.body = queue_.Body(core_.client_id);
  call.done = [this](const HttpAnswer& answer) { OnUsageSent(answer); };
  sending_usage_ = true;
  http_->Start(std::move(call));
}

void Worker::OnUsageSent(const HttpAnswer& answer) {
  sending_usage_ = false;
  if (answer.status == kOk || answer.status == kNoContent) {
    usage_backoff_.Succeed();
    queue_.Sent();
  } else if (answer.status == kNotFound || answer.status == kNotAllowed) {
    queue_.Clear();
    usage_due_ = Clock::now() + kUnsupportedPause;
  } else if (MayComeBack(answer)) {
    usage_due_ = Clock::now() + std::max(usage_backoff_.Fail(), RetryAfter(answer));
  } else {
    // Refused as it is: it would be refused again.
    usage_lost_ += queue_.Drop();
    usage_due_ = Clock::now() + usage_backoff_.Fail();
  }
}

void Worker::StepAcknowledge(SteadyTime now) {
  if (to_acknowledge_.empty() || !acknowledging_.empty() || now < acknowledge_due_) return;
  HttpCall call = Call("POST", definitions_url_ + "/acknowledgements");
  call.headers.emplace_back("Content-Type", "application/json");
  call.body = "{\"client\":";
  json::AppendQuoted(call.body, core_.client_id);
  call.body += ",\"etag\":";
  json::AppendQuoted(call.body, to_acknowledge_);
  call.body += '}';
  call.done = [this](const HttpAnswer& answer) { OnAcknowledged(answer); };
  acknowledging_ = to_acknowledge_;
  http_->Start(std::move(call));
}

void Worker::OnAcknowledged(const HttpAnswer& answer) {
  const SteadyTime now = Clock::now();
  const std::string sent = std::exchange(acknowledging_, {});
  if (MayComeBack(answer)) {
    acknowledge_due_ = now + std::max(acknowledge_backoff_.Fail(), RetryAfter(answer));
    return;
  }
  acknowledge_backoff_.Succeed();
  if (answer.status == kNotFound || answer.status == kNotAllowed) acknowledge_due_ = now + kUnsupportedPause;
  if (to_acknowledge_ == sent) to_acknowledge_.clear();
}

void Worker::StepSave(SteadyTime now) {
  if (texts_ == nullptr || options_.snapshot_path.empty() || now < save_due_) return;
  const bool confirmed_since = core_.confirmed_at.load() > saved_at_.time_since_epoch().count();
  if (dirty_ || (confirmed_since && now >= saved_at_ + kResaveInterval && saved_at_ != SteadyTime{})) Save();
}

void Worker::Save() {
  const SteadyTime now = Clock::now();
  const auto age = core_.Age().value_or(milliseconds(0));
  const auto wall = std::chrono::floor<milliseconds>(std::chrono::system_clock::now());
  const auto written =
      WriteFileWhole(options_.snapshot_path, EncodeDiskSnapshot({.texts = *texts_, .confirmed_at = wall - age}));
  file_problem_ = written ? "" : written.error().message;
  dirty_ = !written;
  saved_at_ = now;
  save_due_ = now + (written ? kSaveInterval : kPollWhileStreaming);
}

// The last figures, as far as they can be sent in time.
void Worker::FinishUsage() {
  if (!options_.send_usage) return;
  const SteadyTime until = Clock::now() + options_.shutdown_timeout;
  CollectUsage();
  const int failures = usage_backoff_.failures();
  while ((!queue_.empty() || sending_usage_) && Clock::now() < until && usage_backoff_.failures() <= failures) {
    if (usage_due_ > until) return;
    StepUsage(Clock::now());
    http_->Poll(kFinishStep);
  }
}

void Worker::Confirm(SteadyTime at) { core_.confirmed_at.store(at.time_since_epoch().count()); }

State Worker::StateNow() const {
  if (refused_) return State::kError;
  if (texts_ == nullptr) return detail_.empty() && http_ ? State::kStarting : State::kError;
  // A program without a server has what it was given.
  if (options_.url.empty()) return State::kReady;
  const auto age = core_.Age();
  return age && *age < options_.stale_after ? State::kReady : State::kStale;
}

void Worker::ReportState() {
  const State state = StateNow();
  bool changed = false;
  {
    const std::lock_guard lock(core_.mutex);
    changed = core_.status.state != state;
    core_.status.state = state;
    core_.status.detail = detail_.empty() ? file_problem_ : detail_;
    core_.status.etag = texts_ == nullptr ? "" : texts_->etag;
    core_.status.streaming = streaming_;
    core_.status.flags = texts_ == nullptr ? 0 : texts_->flags.size();
    core_.status.usage_lost = usage_lost_;
  }
  if (!changed) return;
  core_.status_changed.notify_all();
}

void Worker::TellState() {
  const State state = StateNow();
  if (std::exchange(told_, state) != state && options_.on_state) options_.on_state(core_.GetStatus());
}

milliseconds Worker::WaitFrom(SteadyTime now) const {
  SteadyTime due = now + kLoopMax;
  if (core_.served.replaced() > 0) due = now + kReclaimAgain;
  if (!http_) return std::chrono::ceil<milliseconds>(due - now);
  if (!fetching_) due = std::min(due, fetch_due_);
  if (options_.stream && !stream_ && !stream_uri_.empty()) due = std::min(due, stream_due_);
  if (options_.send_usage && !sending_usage_ && !queue_.empty()) due = std::min(due, usage_due_);
  if (!to_acknowledge_.empty() && acknowledging_.empty()) due = std::min(due, acknowledge_due_);
  return std::max(milliseconds(0), std::chrono::ceil<milliseconds>(due - now));
}

}  // namespace guidon::client
