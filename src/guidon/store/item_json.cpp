// SPDX-License-Identifier: Apache-2.0
#include "guidon/store/item_json.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>
#include <vector>

#include "guidon/json/json.hpp"

namespace guidon::store {
namespace {

using base::ErrorCode;
using base::Fail;
using base::Result;
using model::Value;

constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::array<std::int8_t, 256> MakeReverse() {
  std::array<std::int8_t, 256> reverse{};
  reverse.fill(-1);
  for (std::size_t i = 0; i < kAlphabet.size(); ++i)
    reverse[static_cast<unsigned char>(kAlphabet[i])] = static_cast<std::int8_t>(i);
  return reverse;
}
constexpr auto kReverse = MakeReverse();

template <class... Fs>
struct Overloaded : Fs... {
  using Fs::operator()...;
};

std::unexpected<base::Error> Bad(std::string_view why, std::string_view name) {
  return Fail(ErrorCode::kCorrupt, "the item has " + std::string(why), std::string(name));
}

Result<AttributeValue> ValueFrom(const Value& json, std::string_view name);

Result<AttributeMap> MapFrom(const model::Object& object) {
  AttributeMap map;
  map.Reserve(object.size());
  for (const auto& [name, value] : object) {
    GUIDON_ASSIGN(AttributeValue attribute, ValueFrom(value, name));
    map.Set(name, std::move(attribute));
  }
  return map;
}

Result<AttributeList> ListFrom(const model::List& list, std::string_view name) {
  AttributeList out;
  out.reserve(list.size());
  for (const Value& value : list) {
    GUIDON_ASSIGN(AttributeValue attribute, ValueFrom(value, name));
    out.push_back(std::move(attribute));
  }
  return out;
}

Result<AttributeValue> ScalarFrom(std::string_view type, const std::string& text, std::string_view name) {
  if (type == "S") return AttributeValue(text);
  if (type == "N") return AttributeValue(Number{text});
  if (type != "B") return Bad("an unknown type", name);
  auto bytes = FromBase64(text);
  if (!bytes) return Bad("bytes that are not base 64", name);
  return AttributeValue(Binary{*std::move(bytes)});
}

// A set: "SS" as one, the others as lists of their elements.
Result<AttributeValue> SetFrom(std::string_view type, const model::List& list, std::string_view name) {
  StringSet strings;
  AttributeList others;
  for (const Value& element : list) {
    const std::string* text = element.AsString();
    if (text == nullptr) return Bad("a set of something else than text", name);
    if (type == "SS") {
      strings.push_back(*text);
      continue;
    }
    GUIDON_ASSIGN(AttributeValue value, ScalarFrom(type.substr(0, 1), *text, name));
    others.push_back(std::move(value));
  }
  if (type != "SS") return AttributeValue(std::move(others));
  std::ranges::sort(strings);
  return AttributeValue(std::move(strings));
}

Result<AttributeValue> ValueFrom(const Value& json, std::string_view name) {
  const model::Object* object = json.AsObject();
  if (object == nullptr || object->size() != 1) return Bad("no typed value", name);
  const auto& [type, value] = *object->begin();
  if (const std::string* text = value.AsString()) return ScalarFrom(type, *text, name);
  if (type == "BOOL" && value.AsBool() != nullptr) return AttributeValue(*value.AsBool());
  if (type == "NULL" && value.AsBool() != nullptr) return AttributeValue(Null{});
  if (type == "M" && value.AsObject() != nullptr) {
    GUIDON_ASSIGN(AttributeMap map, MapFrom(*value.AsObject()));
    return AttributeValue(std::move(map));
  }
  const model::List* list = value.AsList();
  if (list == nullptr) return Bad("a value that is not of its type", name);
  if (type == "SS" || type == "NS" || type == "BS") return SetFrom(type, *list, name);
  if (type != "L") return Bad("an unknown type", name);
  GUIDON_ASSIGN(AttributeList elements, ListFrom(*list, name));
  return AttributeValue(std::move(elements));
}

}  // namespace

std::string ToBase64(std::string_view bytes) {
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t at = 0; at < bytes.size(); at += 3) {
    const std::size_t count = std::min<std::size_t>(3, bytes.size() - at);
    std::uint32_t bits = 0;
    for (std::size_t i = 0; i < 3; ++i)
      bits = bits << 8U | (i < count ? static_cast<unsigned char>(bytes[at + i]) : 0U);
    for (std::size_t i = 0; i < 4; ++i)
      text += i <= count ? kAlphabet[bits >> (18U - 6U * static_cast<unsigned>(i)) & 0x3FU] : '=';
  }
  return text;
}

std::optional<std::string> FromBase64(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  for (int i = 0; i < 2 && text.ends_with('='); ++i) text.remove_suffix(1);
  std::string bytes;
  bytes.reserve(text.size() * 3 / 4);
  std::uint32_t bits = 0;
  unsigned count = 0;
  for (const char c : text) {
    const int value = kReverse[static_cast<unsigned char>(c)];
    if (value < 0) return std::nullopt;
    bits = bits << 6U | static_cast<std::uint32_t>(value);
    count += 6;
    if (count < 8) continue;
    count -= 8;
    bytes += static_cast<char>(bits >> count & 0xFFU);
  }
  return bytes;
}

void AppendValue(std::string& out, const AttributeValue& value) {
  const auto list = [&out](const auto& elements, const auto& append) {
    out += '[';
    bool first = true;
    for (const auto& element : elements) {
      if (!first) out += ',';
      first = false;
      append(element);
    }
    out += ']';
  };
  std::visit(Overloaded{[&](const std::string& text) {
                          out += R"({"S":)";
                          json::AppendQuoted(out, text);
                        },
                        [&](const Number& number) {
                          out += R"({"N":)";
                          json::AppendQuoted(out, number.text);
                        },
                        [&](const Binary& binary) { out += R"({"B":")" + ToBase64(binary.bytes) + '"'; },
                        [&](bool flag) { out += flag ? R"({"BOOL":true)" : R"({"BOOL":false)"; },
                        [&](Null) { out += R"({"NULL":true)"; },
                        [&](const AttributeList& elements) {
                          out += R"({"L":)";
                          list(elements, [&out](const AttributeValue& element) { AppendValue(out, element); });
                        },
                        [&](const AttributeMap& map) {
                          out += R"({"M":)";
                          AppendItem(out, map);
                        },
                        [&](const StringSet& set) {
                          out += R"({"SS":)";
                          list(set, [&out](const std::string& element) { json::AppendQuoted(out, element); });
                        }},
             value.variant());
  out += '}';
}

void AppendItem(std::string& out, const Item& item) {
  out += '{';
  bool first = true;
  for (const auto& [name, value] : item) {
    if (!first) out += ',';
    first = false;
    json::AppendQuoted(out, name);
    out += ':';
    AppendValue(out, value);
  }
  out += '}';
}

void AppendKey(std::string& out, const Key& key) {
  out += R"({"PK":{"S":)";
  json::AppendQuoted(out, key.pk);
  out += R"(},"SK":{"S":)";
  json::AppendQuoted(out, key.sk);
  out += "}}";
}

Result<Item> ItemFrom(const Value& json) {
  if (json.AsObject() == nullptr) return Bad("an item that is no object", "Item");
  return MapFrom(*json.AsObject());
}

}  // namespace guidon::store
