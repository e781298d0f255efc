// SPDX-License-Identifier: Apache-2.0
#include "guidon/api_http/text.hpp"

#include <algorithm>
#include <charconv>

#include "guidon/base/percent_encoding.hpp"
#include "guidon/base/text.hpp"

namespace guidon::api_http {
namespace {

using base::ErrorCode;
using base::Fail;
using base::Result;

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

std::string_view Trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

}  // namespace

std::optional<std::string> PercentDecode(std::string_view text, bool plus_is_space) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%') {
      if (i + 2 >= text.size()) return std::nullopt;
      const int high = HexDigit(text[i + 1]);
      const int low = HexDigit(text[i + 2]);
      if (high < 0 || low < 0 || (high == 0 && low == 0)) return std::nullopt;
      out += static_cast<char>(high * 16 + low);
      i += 2;
    } else {
      out += plus_is_space && text[i] == '+' ? ' ' : text[i];
    }
  }
  if (!base::IsUtf8(out)) return std::nullopt;
  return out;
}

Result<Query> Query::Parse(std::string_view text, std::span<const std::string_view> known, bool ignore_unknown) {
  Query query;
  while (!text.empty()) {
    const std::string_view pair = text.substr(0, text.find('&'));
    text.remove_prefix(std::min(text.size(), pair.size() + 1));
    if (pair.empty()) continue;
    const std::size_t equals = pair.find('=');
    const auto name = PercentDecode(pair.substr(0, equals), true);
    auto value = PercentDecode(equals == std::string_view::npos ? "" : pair.substr(equals + 1), true);
    if (!name || !value)
      return Fail(ErrorCode::kMalformed, "a percent escape of the query is not valid UTF-8", name.value_or("query"));
    if (std::ranges::find(known, *name) == known.end()) {
      if (ignore_unknown) continue;
      return Fail(ErrorCode::kInvalidArgument, "is not a parameter of this path", PrintableAscii(*name, 64));
    }
    if (query.Find(*name) != nullptr) return Fail(ErrorCode::kInvalidArgument, "must be in the query only once", *name);
    query.parameters_.emplace_back(*name, *std::move(value));
  }
  return query;
}

const std::string* Query::Find(std::string_view name) const {
  for (const auto& [key, value] : parameters_) {
    if (key == name) return &value;
  }
  return nullptr;
}

Result<app::IfMatch> ParseIfMatch(std::string_view value, std::size_t count) {
  app::IfMatch match;
  if (count == 0) return match;
  if (count == 1 && value == "*") {
    match.kind = app::IfMatch::Kind::kAny;
    return match;
  }
  if (count == 1 && value.size() >= 3 && value.front() == '"' && value.back() == '"') {
    const std::string_view digits = value.substr(1, value.size() - 2);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), match.version);
    if (error == std::errc() && end == digits.data() + digits.size()) {
      match.kind = app::IfMatch::Kind::kVersion;
      return match;
    }
  }
  return Fail(ErrorCode::kInvalidArgument, "must be one entity tag as in the ETag, for example \"3\", or *",
              "If-Match");
}

bool IfNoneMatchHas(std::string_view value, std::string_view tag) {
  if (value == "*") return true;
  while (!value.empty()) {
    std::string_view item = Trim(value.substr(0, value.find(',')));
    value.remove_prefix(
        std::min(value.size(), value.find(',') == std::string_view::npos ? value.size() : value.find(',') + 1));
    if (item.starts_with("W/")) item.remove_prefix(2);
    if (item == tag) return true;
  }
  return false;
}

bool IsMediaType(std::string_view content_type, std::string_view type) {
  if (content_type == type) return true;  // what nearly everybody sends
  return EqualsIgnoringCase(Trim(content_type.substr(0, content_type.find(';'))), type);
}

bool EqualsIgnoringCase(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) { return Lower(x) == Lower(y); });
}

bool IsRequestId(std::string_view text) {
  return !text.empty() && text.size() <= 64 &&
         std::ranges::all_of(text, [](char c) { return base::IsUnreserved(c) && c != '~'; });
}

std::string PrintableAscii(std::string_view text, std::size_t bytes_max) {
  std::string out(text.substr(0, bytes_max));
  for (char& c : out) {
    if (c < 0x20 || c > 0x7e) c = '?';
  }
  return out;
}

void AppendNumber(std::string& out, std::uint64_t number) {
  char digits[20];
  const auto result = std::to_chars(digits, digits + sizeof digits, number);
  out.append(digits, result.ptr);
}

}  // namespace guidon::api_http
