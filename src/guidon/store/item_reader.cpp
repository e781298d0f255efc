// SPDX-License-Identifier: Apache-2.0
#include "guidon/store/item_reader.hpp"

#include <fmt/format.h>

namespace guidon::store {
namespace {

using base::ErrorCode;

std::string ElementPath(std::string_view name, std::size_t index) { return fmt::format("{}[{}]", name, index); }

}  // namespace

base::Error ItemReader::Stored(base::Error error) {
  if (error.code != ErrorCode::kUnsupported) error.code = ErrorCode::kCorrupt;
  return error;
}

void ItemReader::Problem(base::Error error) {
  if (!error_) error_ = std::move(error);
}

void ItemReader::Problem(std::string_view attribute, std::string message) {
  Problem({.code = ErrorCode::kCorrupt, .message = std::move(message), .field = std::string(attribute)});
}

std::vector<std::string> ItemReader::KeyParts(std::string_view attribute, std::string_view prefix, std::size_t count) {
  std::vector<std::string> parts;
  std::string_view rest = prefix;
  const AttributeValue* value = item_.Find(attribute);
  const std::string* text = value != nullptr ? value->AsString() : nullptr;
  bool good = text != nullptr && text->starts_with(prefix);
  if (good) rest = std::string_view(*text).substr(prefix.size());
  for (std::size_t i = 0; i < count && good; ++i) {
    good = rest.starts_with('#');
    if (!good) break;
    rest.remove_prefix(1);
    const std::size_t end = i + 1 < count ? rest.find('#') : std::string_view::npos;
    parts.emplace_back(rest.substr(0, end));
    rest.remove_prefix(parts.back().size());
  }
  if (!good) Problem(attribute, fmt::format("the key is not {} and {} parts", prefix, count));
  parts.resize(count);
  return parts;
}

void ItemReader::ExpectKey(std::string_view attribute, std::string_view expected) {
  const AttributeValue* value = item_.Find(attribute);
  if (value != nullptr && value->AsString() != nullptr && *value->AsString() == expected) return;
  Problem(attribute, fmt::format("the key is not {}", expected));
}

const AttributeValue* ItemReader::Find(std::string_view name) const {
  const AttributeValue* value = item_.Find(name);
  return value != nullptr && std::holds_alternative<Null>(value->variant()) ? nullptr : value;
}

const AttributeValue* ItemReader::Required(std::string_view name) {
  const AttributeValue* value = Find(name);
  if (value == nullptr) Problem(name, "the attribute is missing");
  return value;
}

std::string ItemReader::AsText(std::string_view name, const AttributeValue& value) {
  if (const std::string* text = value.AsString()) return *text;
  Problem(name, "must be a string (S)");
  return {};
}

std::string ItemReader::Text(std::string_view name) {
  const AttributeValue* value = Required(name);
  return value != nullptr ? AsText(name, *value) : std::string{};
}

std::string ItemReader::TextOr(std::string_view name, std::string_view fallback) {
  const AttributeValue* value = Find(name);
  return value != nullptr ? AsText(name, *value) : std::string(fallback);
}

std::optional<std::string> ItemReader::OptionalText(std::string_view name) {
  const AttributeValue* value = Find(name);
  if (value == nullptr) return std::nullopt;
  return AsText(name, *value);
}

std::string ItemReader::SameText(std::string_view name, std::string_view from_key) {
  const AttributeValue* value = Find(name);
  if (value != nullptr && AsText(name, *value) != from_key) Problem(name, "contradicts the key of the item");
  return std::string(from_key);
}

bool ItemReader::Bool(std::string_view name) { return Required(name) != nullptr && BoolOr(name, false); }

bool ItemReader::BoolOr(std::string_view name, bool fallback) {
  const AttributeValue* value = Find(name);
  if (value == nullptr) return fallback;
  if (const bool* flag = value->AsBool()) return *flag;
  Problem(name, "must be a boolean (BOOL)");
  return fallback;
}

std::uint64_t ItemReader::Unsigned(std::string_view name, std::uint64_t fallback) {
  const AttributeValue* value = Find(name);
  if (value == nullptr) return fallback;
  const Number* number = value->AsNumber();
  const auto integer = number != nullptr ? number->AsInt64() : std::nullopt;
  if (integer && *integer >= 0) return static_cast<std::uint64_t>(*integer);
  Problem(name, "must be a whole number (N) from 0 to 2^63 - 1");
  return fallback;
}

std::uint64_t ItemReader::Version() {
  if (Find("version") == nullptr) return 0;
  const std::uint64_t version = Unsigned("version", 0);
  if (version == 0) Problem("version", "must be a whole number (N), at least 1");
  return version;
}

std::optional<base::Timestamp> ItemReader::AsTime(std::string_view name, const AttributeValue& value) {
  const std::string text = AsText(name, value);
  if (!good()) return std::nullopt;
  return Take(base::ParseTimestamp(text, name));
}

base::Timestamp ItemReader::Time(std::string_view name) {
  return Required(name) != nullptr ? OptionalTime(name).value_or(base::Timestamp{}) : base::Timestamp{};
}

base::Timestamp ItemReader::TimeOr(std::string_view name, base::Timestamp fallback) {
  return OptionalTime(name).value_or(fallback);
}

std::optional<base::Timestamp> ItemReader::OptionalTime(std::string_view name) {
  const AttributeValue* value = Find(name);
  return value != nullptr ? AsTime(name, *value) : std::nullopt;
}

std::vector<std::string> ItemReader::TextList(std::string_view name) {
  std::vector<std::string> texts;
  const AttributeList* list = List(name);
  if (list == nullptr) return texts;
  texts.reserve(list->size());
  for (std::size_t i = 0; i < list->size(); ++i) {
    if (const std::string* text = (*list)[i].AsString()) {
      texts.push_back(*text);
    } else {
      Problem(ElementPath(name, i), "must be a string (S)");
    }
  }
  return texts;
}

const AttributeList* ItemReader::List(std::string_view name) {
  const AttributeValue* value = Find(name);
  if (value == nullptr) return nullptr;
  if (value->AsList() == nullptr) Problem(name, "must be a list (L)");
  return value->AsList();
}

const AttributeMap* ItemReader::Map(std::string_view name) {
  const AttributeValue* value = Find(name);
  if (value == nullptr) return nullptr;
  if (value->AsMap() == nullptr) Problem(name, "must be a map (M)");
  return value->AsMap();
}

}  // namespace guidon::store
