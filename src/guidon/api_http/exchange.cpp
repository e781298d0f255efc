// SPDX-License-Identifier: Apache-2.0
#include "guidon/api_http/exchange.hpp"

#include <charconv>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include "guidon/api_http/api.hpp"
#include "guidon/base/random.hpp"

namespace guidon::api_http {
namespace {

constexpr std::size_t kLengthDigits = 10;  // bodies are far below 10 GB
constexpr std::string_view kIdAlphabet = "0123456789abcdefghijklmnopqrstuv";
constexpr std::size_t kIdPrefixCharacters = 8;
constexpr std::size_t kIdCounterCharacters = 8;

#define GUIDON_COMMON_HEADERS           \
  "X-Content-Type-Options: nosniff\r\n" \
  "Referrer-Policy: no-referrer\r\n"    \
  "Cross-Origin-Resource-Policy: same-origin\r\n"
#define GUIDON_CONTENT_POLICY \
  "Content-Security-Policy: default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'\r\n"
constexpr std::string_view kCommonHeaders = GUIDON_COMMON_HEADERS;
constexpr std::string_view kContentPolicy = GUIDON_CONTENT_POLICY;
// The same in one piece with what most answers have: one copy instead of eight.
constexpr std::string_view kJsonHeaders = GUIDON_COMMON_HEADERS "Cache-Control: no-store\r\n" GUIDON_CONTENT_POLICY
                                                                "Content-Type: application/json\r\nX-Request-Id: ";
#undef GUIDON_COMMON_HEADERS
#undef GUIDON_CONTENT_POLICY
constexpr std::string_view kCorsCommon =
    "Vary: Origin\r\n"
    "Access-Control-Expose-Headers: ETag, Retry-After, X-Request-Id\r\n";

// What a thread has counted goes to the application every five seconds: often enough for a chart that is looked at.
constexpr unsigned kTicksPerUsage = 5;

void AppendStatusLine(std::string& out, int status) {
  if (status == 200) [[likely]] {
    out += "HTTP/1.1 200 OK\r\n";
    return;
  }
  out += "HTTP/1.1 ";
  AppendNumber(out, static_cast<std::uint64_t>(status));
  out += ' ';
  out += ReasonPhrase(status);
  out += "\r\n";
}

}  // namespace

IoState::IoState(Api& api)
    : stream_offers(api.app()),
      api_(api),
      ring_(api.app().keys().ring()),
      id_prefix_(base::RandomId().substr(0, kIdPrefixCharacters)) {
  for (const model::Environment& environment : api.app().snapshots().environments()) {
    const auto* published = api.app().snapshots().Find(environment.str());
    environments_.push_back({environment.str(), base::Published<eval::Snapshot>::Reader(*published)});
  }
  Tick(api.app().clock().Now());
  sampler.Use(api.app().usage().sampling());
  api.metrics().AddIo(&counters);
}

IoState::~IoState() { api_.metrics().RemoveIo(&counters); }

const eval::Snapshot* IoState::Find(std::string_view environment) {
  for (EnvironmentReader& known : environments_) {
    if (known.name == environment) return &known.reader.Current();
  }
  return nullptr;
}

void IoState::Tick(base::Timestamp now) {
  for (EnvironmentReader& known : environments_) known.reader.Current();
  ring_.Current();
  if (++ticks_ % kTicksPerUsage == 0 || usage.half_full()) HandOverUsage();
  const std::time_t seconds = std::chrono::system_clock::to_time_t(now);
  date_header_ = fmt::format("Date: {:%a, %d %b %Y %H:%M:%S} GMT\r\n", fmt::gmtime(seconds));
}

void IoState::HandOverUsage() {
  app::UsageService& service = api_.app().usage();
  if (!usage.empty()) service.Add(usage.Take());
  if (sampler.active()) service.AddSamples(sampler.Take(), sampler.TakeLeftOut());
  sampler.Use(service.sampling());
}

void IoState::AppendRequestId(std::string& out) {
  out += id_prefix_;
  std::uint64_t number = ids_++;
  char digits[kIdCounterCharacters];
  for (std::size_t i = kIdCounterCharacters; i-- > 0; number >>= 5U) digits[i] = kIdAlphabet[number & 31U];
  out.append(digits, kIdCounterCharacters);
}

void AnswerWriter::Begin(const Exchange& exchange, int status, std::string_view content_type,
                         std::string_view cache_control) {
  AppendStatusLine(out_, status);
  out_ += exchange.io.date_header();
  if (content_type == kJson) [[likely]] {
    out_ += kJsonHeaders;
    out_ += exchange.request_id;
    out_ += "\r\n";
  } else {
    out_ += kCommonHeaders;
    Header("Cache-Control", cache_control);
    if (!content_type.starts_with("text/html")) out_ += kContentPolicy;
    Header("X-Request-Id", exchange.request_id);
    if (!content_type.empty()) Header("Content-Type", content_type);
  }
  if (!exchange.cors_origin.empty()) {
    Header("Access-Control-Allow-Origin", exchange.cors_origin);
    out_ += kCorsCommon;
  }
  if (!exchange.keep_alive) {
    out_ += "Connection: close\r\n";
  } else if (exchange.head != nullptr && exchange.head->version == 10) {
    out_ += "Connection: keep-alive\r\n";
  }
}

void AnswerWriter::Header(std::string_view name, std::string_view value) {
  out_ += name;
  out_ += ": ";
  out_ += value;
  out_ += "\r\n";
}

void AnswerWriter::End(std::size_t content_length) {
  out_ += "Content-Length: ";
  AppendNumber(out_, content_length);
  out_ += "\r\n\r\n";
}

void AnswerWriter::EndBeforeBody() {
  out_ += "Content-Length:";
  length_at_ = out_.size();
  out_.append(kLengthDigits, ' ');  // white space before a value means nothing (RFC 9110 section 5.5)
  out_ += "\r\n\r\n";
  body_at_ = out_.size();
}

void AnswerWriter::Finish() {
  char digits[kLengthDigits];
  const auto end = std::to_chars(digits, digits + kLengthDigits, out_.size() - body_at_).ptr;
  const auto size = static_cast<std::size_t>(end - digits);
  out_.replace(length_at_ + kLengthDigits - size, size, digits, size);
}

void WriteResponse(const Exchange& exchange, const Response& response, std::string& out) {
  AnswerWriter writer(out);
  const bool bodiless = response.status == 204 || response.status == 304;
  writer.Begin(exchange, response.status, bodiless ? std::string_view() : response.content_type,
               response.cache_control);
  for (const auto& [name, value] : response.headers) writer.Header(name, value);
  if (bodiless) {
    writer.EndWithoutLength();
    return;
  }
  writer.End(response.body.size());
  if (exchange.head == nullptr || exchange.head->method != Method::kHead) out += response.body;
}

}  // namespace guidon::api_http
