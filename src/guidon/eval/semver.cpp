// SPDX-License-Identifier: Apache-2.0
#include "guidon/eval/semver.hpp"

#include <algorithm>

namespace guidon::eval {
namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsIdentifierCharacter(char c) {
  return IsDigit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-';
}
bool IsNumeric(std::string_view identifier) { return std::ranges::all_of(identifier, IsDigit); }
bool HasLeadingZero(std::string_view number) { return number.size() > 1 && number.front() == '0'; }

// Cuts what precedes the first `separator` off the front of `rest`, and the separator too.
std::string_view TakeUntil(std::string_view& rest, char separator) {
  const std::size_t at = rest.find(separator);
  const std::string_view taken = rest.substr(0, at);
  rest.remove_prefix(at == std::string_view::npos ? rest.size() : at + 1);
  return taken;
}

// Dot-separated identifiers, none empty.
bool AreIdentifiers(std::string_view text, bool numbers_without_leading_zero) {
  for (;;) {
    const bool last = text.find('.') == std::string_view::npos;
    const std::string_view identifier = TakeUntil(text, '.');
    if (identifier.empty() || !std::ranges::all_of(identifier, IsIdentifierCharacter)) return false;
    if (numbers_without_leading_zero && IsNumeric(identifier) && HasLeadingZero(identifier)) return false;
    if (last) return true;
  }
}

// Longer numbers without leading zeros are larger ones.
std::strong_ordering CompareNumbers(std::string_view a, std::string_view b) {
  return a.size() != b.size() ? a.size() <=> b.size() : a <=> b;
}

std::strong_ordering CompareIdentifiers(std::string_view a, std::string_view b) {
  const bool a_is_number = IsNumeric(a);
  const bool b_is_number = IsNumeric(b);
  if (a_is_number && b_is_number) return CompareNumbers(a, b);
  if (a_is_number != b_is_number) return a_is_number ? std::strong_ordering::less : std::strong_ordering::greater;
  return a <=> b;
}

std::strong_ordering ComparePrereleases(std::string_view a, std::string_view b) {
  // A release comes after its prereleases.
  if (a.empty() || b.empty()) return a.empty() <=> b.empty();
  while (!a.empty() && !b.empty()) {
    const auto order = CompareIdentifiers(TakeUntil(a, '.'), TakeUntil(b, '.'));
    if (order != 0) return order;
  }
  return !a.empty() <=> !b.empty();
}

}  // namespace

std::optional<SemVer> ParseSemVer(std::string_view text) {
  if (text.starts_with('v')) text.remove_prefix(1);
  SemVer version;
  if (const std::size_t plus = text.find('+'); plus != std::string_view::npos) {
    if (!AreIdentifiers(text.substr(plus + 1), false)) return std::nullopt;
    text = text.substr(0, plus);
  }
  if (const std::size_t dash = text.find('-'); dash != std::string_view::npos) {
    version.prerelease = text.substr(dash + 1);
    if (!AreIdentifiers(version.prerelease, true)) return std::nullopt;
    text = text.substr(0, dash);
  }
  for (std::string_view* number : {&version.major, &version.minor, &version.patch}) {
    const bool last = text.find('.') == std::string_view::npos;
    *number = TakeUntil(text, '.');
    if (number->empty() || !IsNumeric(*number) || HasLeadingZero(*number)) return std::nullopt;
    if (last) return version;
  }
  return std::nullopt;
}

std::strong_ordering Compare(const SemVer& a, const SemVer& b) {
  if (const auto order = CompareNumbers(a.major, b.major); order != 0) return order;
  if (const auto order = CompareNumbers(a.minor, b.minor); order != 0) return order;
  if (const auto order = CompareNumbers(a.patch, b.patch); order != 0) return order;
  return ComparePrereleases(a.prerelease, b.prerelease);
}

}  // namespace guidon::eval
