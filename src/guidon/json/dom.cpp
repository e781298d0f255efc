// SPDX-License-Identifier: Apache-2.0
#include "guidon/json/dom.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "guidon/json/syntax_error.hpp"
#include "guidon/model/field_path.hpp"

namespace guidon::json {
namespace {

using base::ErrorCode;
using base::Fail;
using base::Result;
using base::Status;
using model::Value;
using simdjson::dom::element;
using simdjson::dom::element_type;

// Requests on the hot path are far smaller. A parser keeps some 14 bytes for each byte of its capacity, so larger
// documents get one of their own instead of every thread keeping that much for ever.
constexpr std::size_t kKeptCapacity = 16UL * 1024;

struct Parser {
  simdjson::dom::parser parser;
  std::vector<char> padded;  // the parser reads beyond the text's end

  simdjson::simdjson_result<element> Parse(std::string_view text) {
    if (padded.size() < text.size() + simdjson::SIMDJSON_PADDING)
      padded.resize(std::max(text.size(), kKeptCapacity) + simdjson::SIMDJSON_PADDING);
    if (parser.capacity() < kKeptCapacity && parser.allocate(kKeptCapacity) != simdjson::SUCCESS)
      return simdjson::MEMALLOC;
    std::memcpy(padded.data(), text.data(), text.size());
    std::memset(padded.data() + text.size(), 0, simdjson::SIMDJSON_PADDING);
    return parser.parse(padded.data(), text.size(), false);
  }
};

bool IsNumberByte(char c) { return (c >= '0' && c <= '9') || c == '-' || c == '+' || c == '.' || c == 'e' || c == 'E'; }

// Whether the parser refuses this number although it is a good integer: one of more than 64 bits.
bool IsLargeInteger(std::string_view number) {
  if (number.find_first_of(".eE+") != std::string_view::npos) return false;
  std::uint64_t unsigned_value = 0;
  std::int64_t signed_value = 0;
  const char* const end = number.data() + number.size();
  const auto result = number.starts_with('-') ? std::from_chars(number.data(), end, signed_value)
                                              : std::from_chars(number.data(), end, unsigned_value);
  return result.ec == std::errc::result_out_of_range && result.ptr == end;
}

// `text` with every integer of more than 64 bits written as a floating-point number ("…e0"), which the parser takes.
std::string WithLargeIntegersAsFloats(std::string_view text) {
  std::string out;
  out.reserve(text.size() + 16);
  bool in_string = false;
  for (std::size_t i = 0; i < text.size();) {
    std::size_t end = i + 1;
    if (in_string) {
      if (text[i] == '\\') end = std::min(i + 2, text.size());
    } else {
      while (IsNumberByte(text[i]) && end < text.size() && IsNumberByte(text[end])) ++end;
    }
    if (text[i] == '"') in_string = !in_string;
    const std::string_view token = text.substr(i, end - i);
    out += token;
    if (!in_string && IsLargeInteger(token)) out += "e0";
    i = end;
  }
  return out;
}

std::unexpected<base::Error> Refuse(simdjson::error_code error, std::string_view text) {
  if (error == simdjson::CAPACITY) return Fail(ErrorCode::kTooLarge, "the JSON document is too large");
  if (error == simdjson::MEMALLOC) return Fail(ErrorCode::kInternal, "no memory to read the JSON document");
  return Fail(ErrorCode::kMalformed, "not a JSON document: " + DescribeSyntaxError(text));
}

Status UseDocument(Parser& parser, std::string_view text, const std::function<Status(element)>& use) {
  element root;
  auto error = parser.Parse(text).get(root);
  if (error == simdjson::NUMBER_ERROR) error = parser.Parse(WithLargeIntegersAsFloats(text)).get(root);
  if (error != simdjson::SUCCESS) return Refuse(error, text);
  return use(root);
}

Status CheckDepth(std::size_t depth_left) {
  if (depth_left > 0) return {};
  return Fail(ErrorCode::kMalformed, "lists and objects are nested too deeply");
}

Result<Value> ToList(simdjson::dom::array array, std::size_t depth_left) {
  GUIDON_TRY(CheckDepth(depth_left));
  model::List list;
  list.reserve(array.size());
  for (const element item : array) {
    auto value = ToValue(item, depth_left - 1);
    if (!value) return std::unexpected(model::Below("[" + std::to_string(list.size()) + "]", std::move(value).error()));
    list.push_back(*std::move(value));
  }
  return Value(std::move(list));
}

Result<Value> ToObject(const SortedMembers& members, std::size_t depth_left) {
  GUIDON_TRY(CheckDepth(depth_left));
  GUIDON_TRY(members.CheckUnique());
  std::vector<model::Object::Entry> entries;
  entries.reserve(members.size());
  for (const auto& [name, member] : members) {
    auto value = ToValue(member, depth_left - 1);
    if (!value) return std::unexpected(model::Below(model::PathName(name), std::move(value).error()));
    entries.emplace_back(std::string(name), *std::move(value));
  }
  return Value(*model::Object::FromEntries(std::move(entries)));
}

}  // namespace

SortedMembers::SortedMembers(simdjson::dom::object object) {
  const std::size_t size = object.size();
  if (size > kInlineMax) {
    for (const auto [name, value] : object) large_.push_back({.name = name, .value = value});
    members_ = large_;
  } else {
    std::size_t count = 0;
    for (const auto [name, value] : object) inline_[count++] = {.name = name, .value = value};
    members_ = std::span(inline_).first(count);
  }
  std::ranges::sort(members_, {}, &Member::name);
}

Status SortedMembers::CheckUnique() const {
  const auto twin = std::ranges::adjacent_find(members_, {}, &Member::name);
  if (twin == members_.end()) return {};
  return Fail(ErrorCode::kMalformed, "is in its object twice", model::PathName(twin->name));
}

Status WithDocument(std::string_view text, const ParseLimits& limits, const std::function<Status(element)>& use) {
  if (text.size() > limits.bytes_max)
    return Fail(ErrorCode::kTooLarge, "the JSON document is " + std::to_string(text.size()) + " bytes large; at most " +
                                          std::to_string(limits.bytes_max) + " are allowed");
  if (text.size() > kKeptCapacity) {
    Parser parser;
    return UseDocument(parser, text, use);
  }
  thread_local Parser kept_parser;
  return UseDocument(kept_parser, text, use);
}

Result<Value> ToValue(element item, std::size_t depth_left) {
  switch (item.type()) {
    case element_type::ARRAY: return ToList(item.get_array().value_unsafe(), depth_left);
    case element_type::OBJECT: return ToObject(SortedMembers(item.get_object().value_unsafe()), depth_left);
    case element_type::INT64: return Value(item.get_int64().value_unsafe());
    case element_type::UINT64: return Value(static_cast<double>(item.get_uint64().value_unsafe()));
    case element_type::DOUBLE: return Value(item.get_double().value_unsafe());
    case element_type::STRING: return Value(item.get_string().value_unsafe());
    case element_type::BOOL: return Value(item.get_bool().value_unsafe());
    case element_type::NULL_VALUE: return Value();
  }
  return Value();
}

}  // namespace guidon::json
