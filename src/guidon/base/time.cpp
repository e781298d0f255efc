// SPDX-License-Identifier: Apache-2.0
#include "guidon/base/time.hpp"

#include <cstdint>
#include <optional>

namespace guidon::base {
namespace {

using std::chrono::days;
using std::chrono::floor;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using std::chrono::year_month_day;

// Takes exactly `digits` decimal digits from the front of `text`.
std::optional<int> TakeNumber(std::string_view& text, std::size_t digits) {
  if (text.size() < digits) return std::nullopt;
  int number = 0;
  for (std::size_t i = 0; i < digits; ++i) {
    if (text[i] < '0' || text[i] > '9') return std::nullopt;
    number = number * 10 + (text[i] - '0');
  }
  text.remove_prefix(digits);
  return number;
}

bool TakeChar(std::string_view& text, char expected) {
  if (text.empty() || text.front() != expected) return false;
  text.remove_prefix(1);
  return true;
}

std::optional<std::chrono::sys_days> TakeDate(std::string_view& text) {
  const auto year = TakeNumber(text, 4);
  if (!year || *year < 1970 || !TakeChar(text, '-')) return std::nullopt;
  const auto month = TakeNumber(text, 2);
  if (!month || !TakeChar(text, '-')) return std::nullopt;
  const auto day = TakeNumber(text, 2);
  if (!day) return std::nullopt;
  const year_month_day date{std::chrono::year{*year}, std::chrono::month{static_cast<unsigned>(*month)},
                            std::chrono::day{static_cast<unsigned>(*day)}};
  if (!date.ok()) return std::nullopt;
  return std::chrono::sys_days{date};
}

std::optional<milliseconds> TakeFraction(std::string_view& text) {
  if (!TakeChar(text, '.')) return milliseconds{0};
  int value = 0;
  int scale = 100;
  std::size_t digits = 0;
  while (!text.empty() && text.front() >= '0' && text.front() <= '9') {
    value += (text.front() - '0') * scale;
    scale /= 10;
    text.remove_prefix(1);
    ++digits;
  }
  constexpr std::size_t kFractionDigitsMax = 9;
  if (digits == 0 || digits > kFractionDigitsMax) return std::nullopt;
  return milliseconds{value};
}

std::optional<minutes> TakeOffset(std::string_view& text) {
  if (TakeChar(text, 'Z')) return minutes{0};
  if (text.empty() || (text.front() != '+' && text.front() != '-')) return std::nullopt;
  const int sign = text.front() == '-' ? -1 : 1;
  text.remove_prefix(1);
  const auto hour = TakeNumber(text, 2);
  if (!hour || *hour > 23 || !TakeChar(text, ':')) return std::nullopt;
  const auto minute = TakeNumber(text, 2);
  if (!minute || *minute > 59) return std::nullopt;
  return minutes{sign * (*hour * 60 + *minute)};
}

std::optional<Timestamp> Parse(std::string_view text) {
  const auto date = TakeDate(text);
  if (!date || !TakeChar(text, 'T')) return std::nullopt;
  const auto hour = TakeNumber(text, 2);
  if (!hour || *hour > 23 || !TakeChar(text, ':')) return std::nullopt;
  const auto minute = TakeNumber(text, 2);
  if (!minute || *minute > 59 || !TakeChar(text, ':')) return std::nullopt;
  const auto second = TakeNumber(text, 2);
  if (!second || *second > 59) return std::nullopt;
  const auto fraction = TakeFraction(text);
  if (!fraction) return std::nullopt;
  const auto offset = TakeOffset(text);
  if (!offset || !text.empty()) return std::nullopt;
  const Timestamp time = *date + hours{*hour} + minutes{*minute} + seconds{*second} + *fraction - *offset;
  if (time < Timestamp{} || time >= std::chrono::sys_days{std::chrono::year{10000} / 1 / 1}) return std::nullopt;
  return time;
}

// Written by hand, since a change writes a dozen of them and the library's formatting was a tenth of its work.
void PutNumber(std::string& text, std::size_t at, std::size_t digits, std::int64_t number) {
  for (std::size_t i = digits; i > 0; --i, number /= 10) text[at + i - 1] = static_cast<char>('0' + number % 10);
}

}  // namespace

std::string FormatTimestamp(Timestamp time) {
  const auto day = floor<days>(time);
  const year_month_day date{day};
  const std::chrono::hh_mm_ss clock{time - day};
  std::string text = "0000-00-00T00:00:00.000Z";
  PutNumber(text, 0, 4, static_cast<int>(date.year()));
  PutNumber(text, 5, 2, static_cast<unsigned>(date.month()));
  PutNumber(text, 8, 2, static_cast<unsigned>(date.day()));
  PutNumber(text, 11, 2, clock.hours().count());
  PutNumber(text, 14, 2, clock.minutes().count());
  PutNumber(text, 17, 2, clock.seconds().count());
  PutNumber(text, 20, 3, clock.subseconds().count());
  return text;
}

std::string FormatDate(Timestamp time) { return FormatTimestamp(time).substr(0, 10); }

Result<Timestamp> ParseTimestamp(std::string_view text, std::string_view field) {
  if (const auto time = Parse(text)) return *time;
  return Fail(ErrorCode::kInvalidArgument,
              "not a time that exists; write ISO 8601 with a zone, for example 2026-11-22T04:23:00.000Z",
              std::string(field));
}

Result<Timestamp> ParseDate(std::string_view text, std::string_view field) {
  const auto date = TakeDate(text);
  if (date && text.empty()) return Timestamp{*date};
  return Fail(ErrorCode::kInvalidArgument, "not a date that exists; write it as 2026-11-22", std::string(field));
}

}  // namespace guidon::base
