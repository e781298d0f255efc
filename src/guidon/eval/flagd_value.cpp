// SPDX-License-Identifier: Apache-2.0
#include "guidon/eval/flagd_value.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <system_error>

namespace guidon::eval::flagd {
namespace {

using Kind = JsValue::Kind;

// Long enough for what people compare; a bound for lists of lists that are turned into text to be compared.
constexpr std::size_t kComparedBytesMax = 64UL * 1024;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// White space of the language that is one byte in UTF-8, and the others as they are written there.
std::string_view TrimLeft(std::string_view text) {
  static constexpr std::array<std::string_view, 11> kWide = {
      "\xC2\xA0",     "\xE1\x9A\x80", "\xE2\x80\x80", "\xE2\x80\xA8", "\xE2\x80\xA9", "\xE2\x80\xAF",
      "\xE2\x81\x9F", "\xE3\x80\x80", "\xEF\xBB\xBF", "\xE2\x80\x83", "\xE2\x80\x89"};
  for (;;) {
    if (text.empty()) return text;
    const char c = text.front();
    if (c == ' ' || (c >= '\t' && c <= '\r')) {
      text.remove_prefix(1);
      continue;
    }
    const auto wide = std::ranges::find_if(kWide, [&](std::string_view one) { return text.starts_with(one); });
    if (wide == kWide.end()) return text;
    text.remove_prefix(wide->size());
  }
}

std::string_view TrimRight(std::string_view text) {
  static constexpr std::string_view kAscii = " \t\n\v\f\r";
  static constexpr std::array<std::string_view, 4> kWide = {"\xC2\xA0", "\xE3\x80\x80", "\xEF\xBB\xBF", "\xE2\x80\xAF"};
  for (;;) {
    if (text.empty()) return text;
    if (kAscii.contains(text.back())) {
      text.remove_suffix(1);
      continue;
    }
    const auto wide = std::ranges::find_if(kWide, [&](std::string_view one) { return text.ends_with(one); });
    if (wide == kWide.end()) return text;
    text.remove_suffix(wide->size());
  }
}

double NotANumber() { return std::numeric_limits<double>::quiet_NaN(); }

double WithRadix(std::string_view digits, int radix) {
  if (digits.empty()) return NotANumber();
  double number = 0;
  for (const char c : digits) {
    int digit = 99;
    if (IsDigit(c)) digit = c - '0';
    if (c >= 'a' && c <= 'f') digit = c - 'a' + 10;
    if (c >= 'A' && c <= 'F') digit = c - 'A' + 10;
    if (digit >= radix) return NotANumber();
    number = number * radix + digit;
  }
  return number;
}

// Digits with at most one point, and an exponent: what from_chars would also take but with "inf", "nan" and the like.
bool IsDecimal(std::string_view text) {
  std::size_t digits = 0;
  std::size_t at = 0;
  for (bool point = false; at < text.size() && (IsDigit(text[at]) || (text[at] == '.' && !point)); ++at) {
    if (text[at] == '.') {
      point = true;
    } else {
      ++digits;
    }
  }
  if (digits == 0) return false;
  if (at == text.size()) return true;
  if (text[at] != 'e' && text[at] != 'E') return false;
  ++at;
  if (at < text.size() && (text[at] == '+' || text[at] == '-')) ++at;
  return at < text.size() && std::all_of(text.begin() + static_cast<std::ptrdiff_t>(at), text.end(), IsDigit);
}

double Decimal(std::string_view text) {
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  double number = std::numeric_limits<double>::infinity();
  if (text != "Infinity") {
    if (!IsDecimal(text)) return NotANumber();
    const auto result = std::from_chars(text.data(), text.data() + text.size(), number);
    if (result.ec == std::errc::result_out_of_range) {
      const std::size_t exponent = text.find_first_of("eE");
      const bool tiny = exponent != std::string_view::npos && text.substr(exponent + 1).starts_with('-');
      number = tiny || text.starts_with("0.") || text.starts_with(".") ? 0.0 : std::numeric_limits<double>::infinity();
    }
  }
  return negative ? -number : number;
}

// Decodes one character of UTF-8 (well-formed: contexts and definitions were checked) and steps over it.
std::uint32_t TakeCharacter(std::string_view& text) {
  const auto byte = [&](std::size_t i) {
    return i < text.size() ? std::uint32_t{static_cast<unsigned char>(text[i])} : 0x80U;
  };
  const std::uint32_t first = byte(0);
  std::size_t size = 1;
  std::uint32_t code = first;
  if (first >= 0xF0) {
    size = 4;
    code = (first & 0x07U) << 18U | (byte(1) & 0x3FU) << 12U | (byte(2) & 0x3FU) << 6U | (byte(3) & 0x3FU);
  } else if (first >= 0xE0) {
    size = 3;
    code = (first & 0x0FU) << 12U | (byte(1) & 0x3FU) << 6U | (byte(2) & 0x3FU);
  } else if (first >= 0xC0) {
    size = 2;
    code = (first & 0x1FU) << 6U | (byte(1) & 0x3FU);
  }
  text.remove_prefix(std::min(size, text.size()));
  return code;
}

int CompareTexts(std::string_view a, std::string_view b) {
  const auto differs = std::ranges::mismatch(a, b);
  if (differs.in1 == a.end() || differs.in2 == b.end()) return a.size() < b.size() ? -1 : a.size() > b.size() ? 1 : 0;
  auto start = static_cast<std::size_t>(differs.in1 - a.begin());
  while (start > 0 && (static_cast<unsigned char>(a[start]) & 0xC0U) == 0x80U) --start;
  std::string_view rest_a = a.substr(start);
  std::string_view rest_b = b.substr(start);
  // Characters beyond 16 bits start with a surrogate, 0xD800 to 0xDBFF, and so come before 0xE000 to 0xFFFF.
  const auto unit = [](std::uint32_t code) { return code > 0xFFFF ? 0xD800 + (code - 0x10000) / 0x400 : code; };
  const std::uint32_t code_a = TakeCharacter(rest_a);
  const std::uint32_t code_b = TakeCharacter(rest_b);
  if (unit(code_a) != unit(code_b)) return unit(code_a) < unit(code_b) ? -1 : 1;
  return code_a < code_b ? -1 : 1;
}

// A list or an object as the text that it is compared by.
struct Primitive {
  explicit Primitive(const JsValue& of) : value(of) {
    if (!value.IsObject()) return;
    AppendText(storage, value, kComparedBytesMax);
    this->value = JsValue::Of(std::string_view(storage));
  }
  Primitive(const Primitive&) = delete;
  Primitive& operator=(const Primitive&) = delete;
  JsValue value;
  std::string storage;
};

const void* Identity(const JsValue& value) {
  switch (value.kind) {
    case Kind::kList: return value.list;
    case Kind::kModelList: return value.model_list;
    case Kind::kObject: return value.object;
    case Kind::kReduce: return value.reduce;
    default: return nullptr;
  }
}

}  // namespace

double ToNumber(std::string_view text) {
  text = TrimRight(TrimLeft(text));
  if (text.empty()) return 0;
  if (text.size() > 1 && text[0] == '0') {
    const char base = text[1];
    if (base == 'x' || base == 'X') return WithRadix(text.substr(2), 16);
    if (base == 'o' || base == 'O') return WithRadix(text.substr(2), 8);
    if (base == 'b' || base == 'B') return WithRadix(text.substr(2), 2);
  }
  return Decimal(text);
}

double ToNumber(const JsValue& value) {
  switch (value.kind) {
    case Kind::kUndefined: return NotANumber();
    case Kind::kNull: return 0;
    case Kind::kBool: return value.boolean ? 1 : 0;
    case Kind::kNumber: return value.number;
    case Kind::kText: return ToNumber(value.Text());
    default: break;
  }
  const Primitive primitive(value);
  return ToNumber(primitive.value.Text());
}

void AppendNumber(std::string& out, double number) {
  if (std::isnan(number)) {
    out += "NaN";
    return;
  }
  if (number == 0) {
    out += '0';
    return;
  }
  if (number < 0) out += '-';
  if (std::isinf(number)) {
    out += "Infinity";
    return;
  }
  // Shortest digits d.ddd and exponent, put together by ECMAScript, "Number::toString".
  std::array<char, 32> buffer;
  const auto end =
      std::to_chars(buffer.data(), buffer.data() + buffer.size(), std::fabs(number), std::chars_format::scientific).ptr;
  const std::string_view written(buffer.data(), static_cast<std::size_t>(end - buffer.data()));
  const std::size_t mark = written.find('e');
  std::string digits;
  for (const char c : written.substr(0, mark))
    if (c != '.') digits += c;
  int exponent = 0;
  std::string_view exponent_text = written.substr(mark + 1);
  if (exponent_text.starts_with('+')) exponent_text.remove_prefix(1);
  std::from_chars(exponent_text.data(), exponent_text.data() + exponent_text.size(), exponent);
  const int count = static_cast<int>(digits.size());
  const int point = exponent + 1;  // digits before the decimal point
  if (point > 21 || point < -5) {
    out += digits[0];
    if (count > 1) out.append(".").append(digits, 1);
    out += exponent < 0 ? "e-" : "e+";
    out += std::to_string(std::abs(exponent));
  } else if (point <= 0) {
    out.append("0.").append(static_cast<std::size_t>(-point), '0').append(digits);
  } else if (point >= count) {
    out.append(digits).append(static_cast<std::size_t>(point - count), '0');
  } else {
    out.append(digits, 0, static_cast<std::size_t>(point)).append(".").append(digits, static_cast<std::size_t>(point));
  }
}

bool AppendText(std::string& out, const JsValue& value, std::size_t bytes_max) {
  switch (value.kind) {
    case Kind::kUndefined: out += "undefined"; break;
    case Kind::kNull: out += "null"; break;
    case Kind::kBool: out += value.boolean ? "true" : "false"; break;
    case Kind::kNumber: AppendNumber(out, value.number); break;
    case Kind::kText:
      if (out.size() + value.size > bytes_max) return false;
      out += value.Text();
      break;
    case Kind::kList:
    case Kind::kModelList:
      for (std::size_t i = 0; i < value.ListSize(); ++i) {
        if (i > 0) out += ',';
        const JsValue item = value.ListItem(i);
        if (!item.IsNullish() && !AppendText(out, item, bytes_max)) return false;
        if (out.size() > bytes_max) return false;
      }
      break;
    default: out += "[object Object]"; break;
  }
  return out.size() <= bytes_max;
}

bool StrictlyEqual(const JsValue& a, const JsValue& b) {
  if (a.kind != b.kind) return false;
  switch (a.kind) {
    case Kind::kBool: return a.boolean == b.boolean;
    case Kind::kNumber: return a.number == b.number;
    case Kind::kText: return a.Text() == b.Text();
    default: return Identity(a) == Identity(b);
  }
}

bool SameValueZero(const JsValue& a, const JsValue& b) {
  if (a.IsNumber() && b.IsNumber() && std::isnan(a.number) && std::isnan(b.number)) return true;
  return StrictlyEqual(a, b);
}

bool LooselyEqual(const JsValue& a, const JsValue& b) {
  if (a.IsNullish() || b.IsNullish()) return a.IsNullish() && b.IsNullish();
  if (a.IsObject() && b.IsObject()) return StrictlyEqual(a, b);
  if (a.kind == b.kind) return StrictlyEqual(a, b);
  const Primitive left(a);
  const Primitive right(b);
  if (left.value.kind == right.value.kind) return StrictlyEqual(left.value, right.value);
  return ToNumber(left.value) == ToNumber(right.value);
}

std::optional<int> Compare(const JsValue& a, const JsValue& b) {
  if (a.IsNumber() && b.IsNumber()) {
    if (std::isnan(a.number) || std::isnan(b.number)) return std::nullopt;
    return a.number < b.number ? -1 : a.number > b.number ? 1 : 0;
  }
  if (a.IsText() && b.IsText()) return CompareTexts(a.Text(), b.Text());
  const Primitive left(a);
  const Primitive right(b);
  if (left.value.IsText() && right.value.IsText()) return CompareTexts(left.value.Text(), right.value.Text());
  const double x = ToNumber(left.value);
  const double y = ToNumber(right.value);
  if (std::isnan(x) || std::isnan(y)) return std::nullopt;
  return x < y ? -1 : x > y ? 1 : 0;
}

std::size_t Utf16Length(std::string_view text) {
  std::size_t units = 0;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte & 0xC0U) != 0x80U) units += byte >= 0xF0 ? 2 : 1;
  }
  return units;
}

std::string_view Utf16Substring(std::string_view text, std::size_t start, std::size_t count) {
  std::size_t unit = 0;
  std::size_t from = text.size();
  std::size_t to = text.size();
  for (std::size_t at = 0; at < text.size();) {
    const auto byte = static_cast<unsigned char>(text[at]);
    const std::size_t bytes = byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : byte >= 0xC0 ? 2 : 1;
    const std::size_t units = bytes == 4 ? 2 : 1;
    if (from == text.size() && unit >= start) from = at;
    if (unit + units > start + count) {
      to = at;
      break;
    }
    unit += units;
    at += bytes;
  }
  return from < to ? text.substr(from, to - from) : std::string_view();
}

std::optional<std::size_t> IndexOf(std::string_view name) {
  if (name.empty() || name.size() > 9 || (name.size() > 1 && name[0] == '0')) return std::nullopt;
  std::size_t index = 0;
  for (const char c : name) {
    if (!IsDigit(c)) return std::nullopt;
    index = index * 10 + static_cast<std::size_t>(c - '0');
  }
  return index;
}

}  // namespace guidon::eval::flagd
