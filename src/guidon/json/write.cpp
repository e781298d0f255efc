// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "guidon/json/json.hpp"

namespace guidon::json {
namespace {

using model::List;
using model::Object;
using model::Value;

constexpr char kUnicodeEscape = 'u';

// For each byte: 0 where it stands for itself in a string, else the character after the backslash.
constexpr std::array<char, 256> MakeEscapes() {
  std::array<char, 256> escapes{};
  for (std::size_t byte = 0; byte < 0x20; ++byte) escapes[byte] = kUnicodeEscape;
  escapes['"'] = '"';
  escapes['\\'] = '\\';
  escapes['\b'] = 'b';
  escapes['\f'] = 'f';
  escapes['\n'] = 'n';
  escapes['\r'] = 'r';
  escapes['\t'] = 't';
  return escapes;
}
constexpr auto kEscapes = MakeEscapes();

// Whether all of eight bytes stand for themselves in a string: none below 0x20, no quotation mark, no backslash.
bool ArePlain(const char* eight) {
  constexpr std::uint64_t kOnes = 0x0101010101010101U;
  constexpr std::uint64_t kHighBits = 0x80U * kOnes;
  std::uint64_t bytes = 0;
  std::memcpy(&bytes, eight, sizeof bytes);
  const auto has_below = [&](std::uint64_t word, std::uint64_t limit) {
    return (word - limit * kOnes) & ~word & kHighBits;
  };
  return (has_below(bytes, 0x20) | has_below(bytes ^ ('"' * kOnes), 1) | has_below(bytes ^ ('\\' * kOnes), 1)) == 0;
}

template <class Number>
void AppendNumber(std::string& out, Number number) {
  constexpr std::size_t kDigitsMax = 32;  // the shortest form of a double has at most 24 characters
  std::array<char, kDigitsMax> text;
  const auto result = std::to_chars(text.data(), text.data() + text.size(), number);
  out.append(text.data(), result.ptr);
}

void AppendList(std::string& out, const List& list) {
  out += '[';
  bool first = true;
  for (const Value& item : list) {
    if (!first) out += ',';
    first = false;
    Append(out, item);
  }
  out += ']';
}

void AppendObject(std::string& out, const Object& object) {
  out += '{';
  bool first = true;
  for (const auto& [name, member] : object) {
    if (!first) out += ',';
    first = false;
    AppendQuoted(out, name);
    out += ':';
    Append(out, member);
  }
  out += '}';
}

}  // namespace

void AppendQuoted(std::string& out, std::string_view text) {
  constexpr std::string_view kHex = "0123456789abcdef";
  out += '"';
  std::size_t plain_start = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const char escape = kEscapes[byte];
    if (escape == 0) [[likely]] {
      while (i + 9 <= text.size() && ArePlain(text.data() + i + 1)) i += 8;
      continue;
    }
    out.append(text, plain_start, i - plain_start);
    plain_start = i + 1;
    out += '\\';
    out += escape;
    if (escape == kUnicodeEscape) {
      out += "00";
      out += kHex[byte >> 4U];
      out += kHex[byte & 0xFU];
    }
  }
  out.append(text, plain_start, text.size() - plain_start);
  out += '"';
}

void Append(std::string& out, const Value& value) {
  if (const std::string* text = value.AsString()) {
    AppendQuoted(out, *text);
  } else if (const bool* flag = value.AsBool()) {
    out += *flag ? "true" : "false";
  } else if (const std::int64_t* integer = value.AsInteger()) {
    AppendNumber(out, *integer);
  } else if (const double* number = value.AsDouble(); number != nullptr && std::isfinite(*number)) {
    AppendNumber(out, *number);
  } else if (const List* list = value.AsList()) {
    AppendList(out, *list);
  } else if (const Object* object = value.AsObject()) {
    AppendObject(out, *object);
  } else {
    out += "null";
  }
}

std::string Write(const Value& value) {
  std::string out;
  Append(out, value);
  return out;
}

}  // namespace guidon::json
