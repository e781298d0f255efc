// SPDX-License-Identifier: Apache-2.0
#include "guidon/eval/value_text.hpp"

#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <utility>

namespace guidon::eval {
namespace {

using model::Value;

// Enough to recognise a value, little enough to keep a trace readable.
constexpr std::size_t kTextBytesMax = 200;

template <class NumberType>
void AppendNumber(std::string& out, NumberType number) {
  std::array<char, 32> digits{};
  const auto [end, error] = std::to_chars(digits.data(), digits.data() + digits.size(), number);
  out.append(digits.data(), end);
}

void AppendQuoted(std::string& out, std::string_view text) {
  out += '"';
  for (const char c : text.substr(0, kTextBytesMax + 1)) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  out += '"';
}

// Stops early once `out` is longer than what is shown.
void Append(std::string& out, const Value& value) {
  if (out.size() > kTextBytesMax) return;
  if (const bool* flag = value.AsBool()) {
    out += *flag ? "true" : "false";
  } else if (const std::int64_t* integer = value.AsInteger()) {
    AppendNumber(out, *integer);
  } else if (const double* number = value.AsDouble()) {
    AppendNumber(out, *number);
  } else if (const std::string* text = value.AsString()) {
    AppendQuoted(out, *text);
  } else if (const model::List* list = value.AsList()) {
    out += '[';
    for (const Value& item : *list) {
      if (&item != &list->front()) out += ',';
      Append(out, item);
      if (out.size() > kTextBytesMax) break;
    }
    out += ']';
  } else if (const model::Object* object = value.AsObject()) {
    out += '{';
    for (const auto& [name, member] : *object) {
      if (out.back() != '{') out += ',';
      AppendQuoted(out, name);
      out += ':';
      Append(out, member);
      if (out.size() > kTextBytesMax) break;
    }
    out += '}';
  } else {
    out += "null";
  }
}

}  // namespace

std::string CutText(std::string text) {
  if (text.size() <= kTextBytesMax) return text;
  constexpr std::string_view kMark = "…";
  std::size_t size = kTextBytesMax - kMark.size();
  while (size > 0 && (static_cast<unsigned char>(text[size]) & 0xC0U) == 0x80U) --size;
  text.resize(size);
  return text += kMark;
}

std::string TextOfValues(const std::vector<Value>& values) {
  std::string text = "[";
  for (const Value& value : values) {
    if (text.size() > 1) text += ',';
    Append(text, value);
    if (text.size() > kTextBytesMax) break;
  }
  return CutText(std::move(text += ']'));
}

std::string TextOfAttribute(const AttributeValue& value) {
  if (value.text != nullptr) return CutText(value.text->substr(0, kTextBytesMax + 1));
  std::string text;
  if (value.value != nullptr) Append(text, *value.value);
  return CutText(std::move(text));
}

}  // namespace guidon::eval
