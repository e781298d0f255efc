// SPDX-License-Identifier: Apache-2.0
#include "guidon/model/ids.hpp"

#include <algorithm>
#include <array>
#include <string>

#include "guidon/model/checks.hpp"
#include "guidon/model/limits.hpp"

namespace guidon::model {
namespace {

using base::ErrorCode;
using base::Fail;
using base::Status;

constexpr std::size_t kKeyIdBytesMin = 8;
constexpr std::size_t kKeyIdBytesMax = 32;

// The ASCII, no-break and ideographic spaces: what people paste or type by accident. Tabs are control characters.
bool HasOuterSpace(std::string_view text) {
  constexpr std::array<std::string_view, 3> kSpaces = {" ", "\xC2\xA0", "\xE3\x80\x80"};
  return std::ranges::any_of(kSpaces,
                             [&](std::string_view space) { return text.starts_with(space) || text.ends_with(space); });
}

bool IsDigitOrLower(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

}  // namespace

Status FlagKeyRule::Check(std::string_view text, std::string_view field) {
  return checks::Identifier(text, kFlagKeyBytesMax, field);
}

Status SegmentKeyRule::Check(std::string_view text, std::string_view field) {
  return checks::Identifier(text, kSegmentKeyBytesMax, field);
}

Status TenantIdRule::Check(std::string_view text, std::string_view field) {
  return checks::Identifier(text, kTenantIdBytesMax, field);
}

Status VariationNameRule::Check(std::string_view text, std::string_view field) {
  return checks::Identifier(text, kVariationNameBytesMax, field);
}

Status EnvironmentRule::Check(std::string_view text, std::string_view field) {
  const bool valid = !text.empty() && text.size() <= kEnvironmentBytesMax && text.front() != '-' &&
                     std::ranges::all_of(text, [](char c) { return IsDigitOrLower(c) || c == '-'; });
  if (valid) return {};
  return Fail(ErrorCode::kInvalidArgument,
              "must be 1 to " + std::to_string(kEnvironmentBytesMax) +
                  " characters of a-z, 0-9 and '-', the first a letter or digit",
              std::string(field));
}

Status OwnerRule::Check(std::string_view text, std::string_view field) {
  if (text.empty())
    return Fail(ErrorCode::kInvalidArgument, "must name the person or team that answers for it", std::string(field));
  // Part of table keys and of kill switch scopes, where an over-long one is a wrong id rather than too much data.
  if (text.size() > kOwnerBytesMax)
    return Fail(ErrorCode::kInvalidArgument, "must be at most " + std::to_string(kOwnerBytesMax) + " bytes",
                std::string(field));
  GUIDON_TRY(checks::Line(text, kOwnerBytesMax, field));
  if (text.contains('#')) return Fail(ErrorCode::kInvalidArgument, "must not contain '#'", std::string(field));
  if (HasOuterSpace(text))
    return Fail(ErrorCode::kInvalidArgument, "must not begin or end with a space", std::string(field));
  return {};
}

Status KeyIdRule::Check(std::string_view text, std::string_view field) {
  if (text.size() >= kKeyIdBytesMin && text.size() <= kKeyIdBytesMax && std::ranges::all_of(text, IsDigitOrLower))
    return {};
  return Fail(ErrorCode::kInvalidArgument, "must be 8 to 32 characters of 0-9 and a-z", std::string(field));
}

}  // namespace guidon::model
