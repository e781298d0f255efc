// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "guidon/app/principal.hpp"
#include "guidon/base/result.hpp"

// Texts of HTTP: percent encoding, queries, entity tags, header values.
namespace guidon::api_http {

// Nothing where a '%' is not followed by two hexadecimal digits, or what comes out is not UTF-8 or holds a NUL.
std::optional<std::string> PercentDecode(std::string_view text, bool plus_is_space = false);

inline constexpr std::size_t kQueryParametersMax = 32;

// The parameters of a query. Each name once.
class Query {
 public:
  // Errors: kMalformed (encoding), kInvalidArgument naming a parameter that is not in `known` or is there twice. With
  // `ignore_unknown` others than `known` are left out.
  static base::Result<Query> Parse(std::string_view text, std::span<const std::string_view> known,
                                   bool ignore_unknown = false);
  // nullptr where it is absent.
  const std::string* Find(std::string_view name) const;

 private:
  std::vector<std::pair<std::string, std::string>> parameters_;
};

// `"<version>"`, `*`, or nothing. Error: kInvalidArgument naming If-Match.
base::Result<app::IfMatch> ParseIfMatch(std::string_view value, std::size_t count);

// Whether the list of If-None-Match (RFC 9110 section 13.1.2, weak comparison) has `tag` (with its quotes).
bool IfNoneMatchHas(std::string_view value, std::string_view tag);

// Media type without parameters, compared without regard to case.
bool IsMediaType(std::string_view content_type, std::string_view type);

bool EqualsIgnoringCase(std::string_view a, std::string_view b);

// 1 to 64 characters of [A-Za-z0-9._-].
bool IsRequestId(std::string_view text);

// What may go into log and audit: other bytes than printable ASCII become '?', and it is cut.
std::string PrintableAscii(std::string_view text, std::size_t bytes_max);

void AppendNumber(std::string& out, std::uint64_t number);

}  // namespace guidon::api_http
