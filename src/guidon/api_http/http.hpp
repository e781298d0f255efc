// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace guidon::api_http {

enum class Method : std::uint8_t { kGet, kHead, kPost, kPut, kPatch, kDelete, kOptions, kOther };
std::string_view NameOf(Method method);  // "GET" …, "" for kOther

// The headers this server looks at; all others are only checked for their syntax.
enum class Header : std::uint8_t {
  kHost,
  kOrigin,
  kAuthorization,
  kApiKey,
  kContentType,
  kContentEncoding,
  kIfMatch,
  kIfNoneMatch,
  kIdempotencyKey,
  kRequestId,
  kUserAgent,
  kEnvironment,
  kExpect,
  kConnection,
  kContentLength,
  kTransferEncoding,
  kRequestMethod,  // Access-Control-Request-Method: a preflight
  kAccept,
  kAcceptEncoding,
  kLastEventId,
  kFlagdSelector,
  kConnectVersion,
  kConnectTimeout,
};
inline constexpr std::size_t kHeaderCount = 23;

// Start line and headers of one request. Views point into the connection's read buffer through `base`, which moves with
// it: nothing may be kept beyond the request.
class RequestHead {
 public:
  struct Slice {
    std::uint32_t offset = 0;
    std::uint32_t size = 0;
  };

  Method method = Method::kOther;
  int version = 11;  // 10 or 11
  Slice target = {};
  const char* base = nullptr;

  void Clear();
  void Add(Header header, Slice value);

  std::string_view Target() const { return View(target); }
  // The value of the first such header; empty where there is none.
  std::string_view Get(Header header) const { return View(slots_[static_cast<std::size_t>(header)].value); }
  bool Has(Header header) const { return Count(header) != 0; }
  std::size_t Count(Header header) const { return slots_[static_cast<std::size_t>(header)].count; }

 private:
  struct Slot {
    Slice value = {};
    std::uint32_t count = 0;
  };
  std::string_view View(Slice slice) const { return {base + slice.offset, slice.size}; }

  std::array<Slot, kHeaderCount> slots_ = {};
};

// Whether the client lists gzip by name. One that lists it only to refuse it (`gzip;q=0`) is nobody's way of asking.
bool TakesGzip(const RequestHead& head);

// Which protocol fixes the bodies of a path's failures.
enum class Protocol : std::uint8_t {
  kGuidon,        // RFC 9457
  kOfrep,         // unknown query parameters are ignored, too
  kConnect,       // flagd's calls with one answer
  kConnectStream  // flagd's event stream: failures come as its last message, with the status 200
};
constexpr bool IsConnect(Protocol protocol) {
  return protocol == Protocol::kConnect || protocol == Protocol::kConnectStream;
}

inline constexpr std::string_view kJson = "application/json";
inline constexpr std::string_view kConnectJson = "application/connect+json";
inline constexpr std::string_view kNoStore = "no-store";
inline constexpr std::string_view kProblemJson = "application/problem+json";

// An answer outside the hot path.
struct Response {
  int status = 200;
  std::string_view content_type = kJson;  // a literal
  std::string body = {};
  std::vector<std::pair<std::string_view, std::string>> headers = {};  // names are literals
  std::string_view cache_control = kNoStore;                           // a literal
};

// "Bad Request" …; "Status" for what is not listed.
std::string_view ReasonPhrase(int status);

}  // namespace guidon::api_http
