// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <map>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace guidon::aws {

using HttpHeaders = std::vector<std::pair<std::string, std::string>>;

struct HttpRequest {
  std::string method = "POST";
  std::string url = {};  // absolute, http or https
  HttpHeaders headers = {};
  std::string body = {};
  std::chrono::milliseconds connect_timeout{1000};
  std::chrono::milliseconds timeout{5000};  // the whole exchange, connecting included
  bool direct = false;                      // past any proxy: for addresses that only this machine can reach
};

struct HttpResponse {
  int status = 0;
  std::map<std::string, std::string> headers = {};  // names in lower case
  std::string body = {};                            // as sent: no encoding is asked for
};

// Why no answer came.
struct TransportError {
  enum class Kind : std::uint8_t { kNotConnected, kTimeout, kBroken, kTooLarge, kCancelled };
  Kind kind = Kind::kBroken;
  // False only where the server cannot have seen the request: repeating it is then like sending it for the first time.
  bool maybe_received = true;
  std::string message = {};
};

// Sends requests over the network. Thread-safe; Send blocks until the answer, a timeout or `stop`.
class HttpTransport {
 public:
  HttpTransport() = default;
  HttpTransport(const HttpTransport&) = delete;
  HttpTransport& operator=(const HttpTransport&) = delete;
  virtual ~HttpTransport() = default;

  // Any status is an answer. Sends at most once: whoever wants a repetition decides so itself. Follows no redirects.
  virtual std::expected<HttpResponse, TransportError> Send(const HttpRequest& request, std::stop_token stop = {}) = 0;
};

// Scheme, host (brackets of an IPv6 address kept), the host with its port as a Host header carries it, and path with
// query ("/" where there is none) of an absolute URL. Empty scheme: not an http or https URL.
struct UrlParts {
  std::string scheme = {};
  std::string host = {};
  std::string authority = {};
  std::string target = {};
};
UrlParts SplitUrl(std::string_view url);

// True for localhost, 127.0.0.0/8 and ::1.
bool IsLoopbackHost(std::string_view host);

}  // namespace guidon::aws
