// SPDX-License-Identifier: Apache-2.0
#include "naive_values.hpp"

#include <algorithm>
#include <cfloat>
#include <cstddef>
#include <map>
#include <memory>
#include <utility>

#include <re2/re2.h>

namespace guidon::twin {
namespace {

static_assert(LDBL_MANT_DIG >= 64, "needs a type that holds 64-bit integers and doubles without rounding");

std::vector<std::string> SplitAt(std::string_view text, char separator) {
  std::vector<std::string> parts(1);
  for (const char c : text) {
    if (c == separator) {
      parts.emplace_back();
    } else {
      parts.back() += c;
    }
  }
  return parts;
}

bool OnlyOf(std::string_view text, std::string_view characters) {
  return text.find_first_not_of(characters) == std::string_view::npos;
}
bool IsNumeric(std::string_view text) { return !text.empty() && OnlyOf(text, "0123456789"); }
bool IsPlainNumber(std::string_view text) { return IsNumeric(text) && (text == "0" || text.front() != '0'); }
bool IsIdentifier(std::string_view text) {
  return !text.empty() && OnlyOf(text, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-");
}

int Sign(bool less, bool greater) { return less ? -1 : greater ? 1 : 0; }
int CompareText(std::string_view a, std::string_view b) { return Sign(a<b, a> b); }

// Padded with zeros to one width, digits sort as their numbers do.
int CompareDigits(std::string a, std::string b) {
  const std::size_t width = std::max(a.size(), b.size());
  a.insert(0, width - a.size(), '0');
  b.insert(0, width - b.size(), '0');
  return CompareText(a, b);
}

// Semantic Versioning, item 11.4.
int CompareIdentifiers(const std::string& a, const std::string& b) {
  if (IsNumeric(a) && IsNumeric(b)) return CompareDigits(a, b);
  if (IsNumeric(a) || IsNumeric(b)) return IsNumeric(a) ? -1 : 1;
  return CompareText(a, b);
}

void AppendBits(Bits& bits, unsigned value, int count) {
  for (int bit = count - 1; bit >= 0; --bit) bits.push_back((value >> static_cast<unsigned>(bit) & 1U) != 0);
}

std::optional<Bits> ParseV4(std::string_view text) {
  Bits bits;
  const auto parts = SplitAt(text, '.');
  if (parts.size() != 4) return std::nullopt;
  for (const std::string& part : parts) {
    if (!IsPlainNumber(part) || part.size() > 3 || std::stoi(part) > 255) return std::nullopt;
    AppendBits(bits, static_cast<unsigned>(std::stoi(part)), 8);
  }
  return bits;
}

// Groups of four hexadecimal digits; the last may be an IPv4 address. An empty text has no groups.
std::optional<Bits> ParseGroups(std::string_view text, bool last) {
  Bits bits;
  if (text.empty()) return bits;
  const auto groups = SplitAt(text, ':');
  for (std::size_t i = 0; i < groups.size(); ++i) {
    if (last && i + 1 == groups.size() && groups[i].find('.') != std::string::npos) {
      const auto v4 = ParseV4(groups[i]);
      if (!v4) return std::nullopt;
      bits.insert(bits.end(), v4->begin(), v4->end());
    } else {
      if (groups[i].empty() || groups[i].size() > 4 || !OnlyOf(groups[i], "0123456789abcdefABCDEF"))
        return std::nullopt;
      AppendBits(bits, static_cast<unsigned>(std::stoul(groups[i], nullptr, 16)), 16);
    }
  }
  return bits;
}

std::optional<Bits> ParseV6(std::string_view text) {
  const std::size_t gap = text.find("::");
  if (gap == std::string_view::npos) {
    auto bits = ParseGroups(text, true);
    return bits && bits->size() == 128 ? bits : std::nullopt;
  }
  const auto head = ParseGroups(text.substr(0, gap), false);
  const auto tail = ParseGroups(text.substr(gap + 2), true);
  // The gap stands for one group of zeros at least.
  if (!head || !tail || head->size() + tail->size() > 112) return std::nullopt;
  Bits bits = *head;
  bits.resize(128 - tail->size(), false);
  bits.insert(bits.end(), tail->begin(), tail->end());
  return bits;
}

// ::ffff:a.b.c.d is a.b.c.d.
bool IsMapped(const Bits& bits) {
  const auto middle = bits.begin() + 80;
  return std::count(bits.begin(), middle, true) == 0 && std::count(middle, middle + 16, true) == 16;
}

std::optional<int> TakeDigits(std::string_view& text, std::size_t count) {
  if (text.size() < count || !IsNumeric(text.substr(0, count))) return std::nullopt;
  const int number = std::stoi(std::string(text.substr(0, count)));
  text.remove_prefix(count);
  return number;
}
bool Take(std::string_view& text, std::string_view expected) {
  if (!text.starts_with(expected)) return false;
  text.remove_prefix(expected.size());
  return true;
}

bool IsLeapYear(int year) { return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0; }
int DaysIn(int month, int year) {
  constexpr std::array kDays = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  return month == 2 && IsLeapYear(year) ? 29 : kDays[static_cast<std::size_t>(month - 1)];
}
// Full years first, as whole cycles of four centuries, then year by year.
std::int64_t DaysBeforeYear(int year) {
  std::int64_t days = 0;
  int at = 1970;
  for (; at + 400 <= year; at += 400) days += 146'097;
  for (; at < year; ++at) days += IsLeapYear(at) ? 366 : 365;
  return days;
}

// "2026-11-22T" as days since 1970.
std::optional<std::int64_t> TakeDate(std::string_view& text) {
  const auto year = TakeDigits(text, 4);
  if (!year || *year < 1970 || !Take(text, "-")) return std::nullopt;
  const auto month = TakeDigits(text, 2);
  if (!month || *month < 1 || *month > 12 || !Take(text, "-")) return std::nullopt;
  const auto day = TakeDigits(text, 2);
  if (!day || *day < 1 || *day > DaysIn(*month, *year) || !Take(text, "T")) return std::nullopt;
  std::int64_t days = DaysBeforeYear(*year) + *day - 1;
  for (int before = 1; before < *month; ++before) days += DaysIn(before, *year);
  return days;
}

// "12:30" as minutes.
std::optional<int> TakeMinutes(std::string_view& text) {
  const auto hour = TakeDigits(text, 2);
  if (!hour || *hour > 23 || !Take(text, ":")) return std::nullopt;
  const auto minute = TakeDigits(text, 2);
  if (!minute || *minute > 59) return std::nullopt;
  return *hour * 60 + *minute;
}

std::optional<int> TakeMilliseconds(std::string_view& text) {
  if (!Take(text, ".")) return 0;
  const std::size_t count = std::min(text.find_first_not_of("0123456789"), text.size());
  if (count < 1 || count > 9) return std::nullopt;
  std::string digits(text.substr(0, count));
  text.remove_prefix(count);
  digits.resize(3, '0');
  return std::stoi(digits);
}

std::optional<int> TakeZone(std::string_view& text) {
  if (Take(text, "Z")) return 0;
  const int sign = Take(text, "+") ? 1 : Take(text, "-") ? -1 : 0;
  const auto minutes = sign == 0 ? std::nullopt : TakeMinutes(text);
  return minutes ? std::optional(sign * *minutes) : std::nullopt;
}

const RE2& PatternOf(const std::string& pattern) {
  static std::map<std::string, std::unique_ptr<RE2>> patterns;
  auto& there = patterns[pattern];
  if (there == nullptr) {
    RE2::Options options;
    options.set_log_errors(false);
    there = std::make_unique<RE2>(pattern, options);
  }
  return *there;
}

std::uint32_t RotateLeft(std::uint32_t value, unsigned bits) { return value << bits | value >> (32U - bits); }

}  // namespace

std::optional<long double> NumberOf(const model::Value& value) {
  if (const std::int64_t* integer = value.AsInteger()) return static_cast<long double>(*integer);
  if (const double* number = value.AsDouble()) return static_cast<long double>(*number);
  return std::nullopt;
}

std::optional<Version> ParseVersion(std::string_view text) {
  Version version{.numbers = {"0", "0", "0"}, .prerelease = {}};
  if (text.starts_with('v')) text.remove_prefix(1);
  const std::size_t plus = text.find('+');
  if (plus != std::string_view::npos) {
    for (const std::string& part : SplitAt(text.substr(plus + 1), '.'))
      if (!IsIdentifier(part)) return std::nullopt;
    text = text.substr(0, plus);
  }
  const std::size_t dash = text.find('-');
  if (dash != std::string_view::npos) {
    version.prerelease = SplitAt(text.substr(dash + 1), '.');
    for (const std::string& part : version.prerelease)
      if (!IsIdentifier(part) || (IsNumeric(part) && !IsPlainNumber(part))) return std::nullopt;
    text = text.substr(0, dash);
  }
  const auto numbers = SplitAt(text, '.');
  if (numbers.size() > 3) return std::nullopt;
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    if (!IsPlainNumber(numbers[i])) return std::nullopt;
    version.numbers[i] = numbers[i];
  }
  return version;
}

int CompareVersions(const Version& a, const Version& b) {
  for (std::size_t i = 0; i < 3; ++i)
    if (const int order = CompareDigits(a.numbers[i], b.numbers[i]); order != 0) return order;
  if (a.prerelease.empty() || b.prerelease.empty())
    return Sign(!a.prerelease.empty() && b.prerelease.empty(), a.prerelease.empty() && !b.prerelease.empty());
  for (std::size_t i = 0; i < std::min(a.prerelease.size(), b.prerelease.size()); ++i)
    if (const int order = CompareIdentifiers(a.prerelease[i], b.prerelease[i]); order != 0) return order;
  return Sign(a.prerelease.size() < b.prerelease.size(), a.prerelease.size() > b.prerelease.size());
}

std::optional<Bits> ParseAddress(std::string_view text) {
  if (text.find(':') == std::string_view::npos) return ParseV4(text);
  auto bits = ParseV6(text);
  if (bits && IsMapped(*bits)) bits->erase(bits->begin(), bits->begin() + 96);
  return bits;
}

bool NetworkContains(std::string_view network, const Bits& address) {
  const auto parts = SplitAt(network, '/');
  bool is_v4 = parts[0].find(':') == std::string::npos;
  Bits prefix = *(is_v4 ? ParseV4(parts[0]) : ParseV6(parts[0]));
  if (parts.size() > 1) prefix.resize(std::stoul(parts[1]));
  // A network that lies within ::ffff:0:0/96 is one of IPv4 addresses.
  if (!is_v4 && prefix.size() >= 96 && IsMapped(prefix)) {
    prefix.erase(prefix.begin(), prefix.begin() + 96);
    is_v4 = true;
  }
  if (is_v4 != (address.size() == 32)) return false;
  return std::equal(prefix.begin(), prefix.end(), address.begin());
}

std::optional<std::int64_t> ParseTime(std::string_view text) {
  const auto days = TakeDate(text);
  if (!days) return std::nullopt;
  const auto minutes = TakeMinutes(text);
  if (!minutes || !Take(text, ":")) return std::nullopt;
  const auto seconds = TakeDigits(text, 2);
  if (!seconds || *seconds > 59) return std::nullopt;
  const auto milliseconds = TakeMilliseconds(text);
  if (!milliseconds) return std::nullopt;
  const auto zone = TakeZone(text);
  if (!zone || !text.empty()) return std::nullopt;
  const std::int64_t time = ((*days * 1440 + *minutes - *zone) * 60 + *seconds) * 1000 + *milliseconds;
  if (time < 0 || time >= DaysBeforeYear(10'000) * 86'400'000) return std::nullopt;
  return time;
}

bool IsPattern(const std::string& pattern) { return PatternOf(pattern).ok(); }
bool PatternMatches(const std::string& pattern, std::string_view text) {
  return RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), PatternOf(pattern));
}

std::uint32_t Murmur3(std::string_view bytes) {
  const auto byte = [&](std::size_t at) { return std::uint32_t{static_cast<unsigned char>(bytes[at])}; };
  const auto scramble = [](std::uint32_t block) { return RotateLeft(block * 0xcc9e2d51U, 15) * 0x1b873593U; };
  std::uint32_t hash = 0;
  std::size_t at = 0;
  for (; at + 4 <= bytes.size(); at += 4) {
    const std::uint32_t block = byte(at) + (byte(at + 1) << 8U) + (byte(at + 2) << 16U) + (byte(at + 3) << 24U);
    hash = RotateLeft(hash ^ scramble(block), 13) * 5 + 0xe6546b64U;
  }
  std::uint32_t rest = 0;
  for (std::size_t i = bytes.size(); i > at; --i) rest = (rest << 8U) + byte(i - 1);
  if (bytes.size() > at) hash ^= scramble(rest);
  hash ^= static_cast<std::uint32_t>(bytes.size());
  hash = (hash ^ hash >> 16U) * 0x85ebca6bU;
  hash = (hash ^ hash >> 13U) * 0xc2b2ae35U;
  return hash ^ hash >> 16U;
}

}  // namespace guidon::twin
