// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "guidon/api_http/http.hpp"
#include "guidon/app/principal.hpp"
#include "guidon/base/error.hpp"

namespace guidon::api_http {

// A failure as a client sees it (RFC 9457, or OFREP's body on its paths).
struct Problem {
  int status = 500;
  std::string_view code = "INTERNAL";  // a literal
  std::string detail = {};
  std::string field = {};
  std::optional<std::uint64_t> current_version = std::nullopt;
};

// The one place that knows which status an error has. With `if_match` naming a version, losing to another one is 412.
Problem ProblemOf(const base::Error& error, const app::IfMatch& if_match = {});

Response ProblemResponse(const Problem& problem, std::string_view request_id);

// {"key","errorCode","errorDetails"}; `key` empty: a bulk request, without one.
Response OfrepFailure(const Problem& problem, std::string_view key);

// {"code","message"}, for a stream as its only message.
Response ConnectFailure(const Problem& problem, bool stream);

// The one that the path's protocol wants. `key`: of OFREP's flag.
Response FailureResponse(Protocol protocol, const Problem& problem, std::string_view key, std::string_view request_id);

// Seconds for Retry-After on 429 and 503: a client's next try, not a promise.
inline constexpr int kRetryAfterSeconds = 1;

}  // namespace guidon::api_http
