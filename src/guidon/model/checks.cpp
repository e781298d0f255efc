// SPDX-License-Identifier: Apache-2.0
#include "guidon/model/checks.hpp"

#include <algorithm>
#include <cstring>
#include <limits>
#include <string>

#include "guidon/base/text.hpp"
#include "guidon/model/limits.hpp"

namespace guidon::model::checks {
namespace {

using base::ErrorCode;
using base::Fail;
using base::Status;

bool IsAlphanumeric(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); }

bool IsAscii(std::string_view text) {
  while (text.size() >= sizeof(std::uint64_t)) {
    std::uint64_t word = 0;
    std::memcpy(&word, text.data(), sizeof word);
    if ((word & 0x8080808080808080ULL) != 0) return false;
    text.remove_prefix(sizeof word);
  }
  return std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

Status Length(std::string_view text, std::size_t bytes_max, std::string_view field) {
  if (text.size() <= bytes_max) return {};
  return Fail(
      ErrorCode::kTooLarge,
      "is " + std::to_string(text.size()) + " bytes long; at most " + std::to_string(bytes_max) + " are allowed",
      std::string(field));
}

Status Encoding(std::string_view text, std::string_view field) {
  if (IsUtf8(text)) return {};
  return Fail(ErrorCode::kInvalidArgument, "is not valid UTF-8", std::string(field));
}

}  // namespace

bool IsUtf8(std::string_view text) { return IsAscii(text) || base::IsUtf8(text); }

bool IsIdentifier(std::string_view text, std::size_t bytes_max) {
  if (text.empty() || text.size() > bytes_max || !IsAlphanumeric(text.front())) return false;
  return std::ranges::all_of(text, [](char c) { return IsAlphanumeric(c) || c == '.' || c == '_' || c == '-'; });
}

Status Identifier(std::string_view text, std::size_t bytes_max, std::string_view field) {
  if (IsIdentifier(text, bytes_max)) return {};
  return Fail(ErrorCode::kInvalidArgument,
              "must be 1 to " + std::to_string(bytes_max) +
                  " characters of a-z, A-Z, 0-9, '.', '_' and '-', the first a letter or digit",
              std::string(field));
}

Status Line(std::string_view text, std::size_t bytes_max, std::string_view field) {
  GUIDON_TRY(Length(text, bytes_max, field));
  GUIDON_TRY(Encoding(text, field));
  if (base::HasControlCharacter(text))
    return Fail(ErrorCode::kInvalidArgument, "must not contain control characters", std::string(field));
  return {};
}

Status Prose(std::string_view text, std::size_t bytes_max, std::string_view field) {
  GUIDON_TRY(Length(text, bytes_max, field));
  GUIDON_TRY(Encoding(text, field));
  const auto forbidden = [](char c) {
    return (static_cast<unsigned char>(c) < 0x20 && c != '\t' && c != '\n' && c != '\r') || c == 0x7F;
  };
  if (std::ranges::any_of(text, forbidden))
    return Fail(ErrorCode::kInvalidArgument, "must not contain control characters but tabs and line ends",
                std::string(field));
  return {};
}

Status AttributePath(std::string_view path, std::string_view field) {
  GUIDON_TRY(Line(path, kAttributeNameBytesMax, field));
  if (path.empty() || path.front() == '.' || path.back() == '.' || path.contains(".."))
    return Fail(ErrorCode::kInvalidArgument, "must be the name of an attribute, nested names joined by dots (a.b)",
                std::string(field));
  return {};
}

Status Time(base::Timestamp time, std::string_view field) {
  constexpr base::Timestamp kEnd = std::chrono::sys_days{std::chrono::year{10000} / 1 / 1};
  if (time >= base::Timestamp{} && time < kEnd) return {};
  return Fail(ErrorCode::kInvalidArgument, "must lie in the years 1970 to 9999", std::string(field));
}

Status Time(const std::optional<base::Timestamp>& time, std::string_view field) {
  return time ? Time(*time, field) : Status{};
}

Status Version(std::uint64_t version) {
  if (version <= std::uint64_t{std::numeric_limits<std::int64_t>::max()}) return {};
  return Fail(ErrorCode::kInvalidArgument, "must fit in a signed 64-bit number", "version");
}

}  // namespace guidon::model::checks
