// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "guidon/store/attribute.hpp"

// Items as text for tests: a line for each attribute, name, type and value as in DynamoDB's JSON.
namespace guidon::store::testing {

std::string ValueText(const AttributeValue& value);

inline std::string MapText(const AttributeMap& map) {
  std::string text = "M{";
  for (const auto& [name, value] : map) text += (text.size() > 2 ? ", " : "") + name + ": " + ValueText(value);
  return text + "}";
}

struct ToText {
  std::string operator()(const std::string& text) const { return "S \"" + text + "\""; }
  std::string operator()(const Number& number) const { return "N " + number.text; }
  std::string operator()(const Binary& binary) const { return "B " + std::to_string(binary.bytes.size()) + " bytes"; }
  std::string operator()(bool flag) const { return flag ? "BOOL true" : "BOOL false"; }
  std::string operator()(Null) const { return "NULL"; }
  std::string operator()(const AttributeMap& map) const { return MapText(map); }
  std::string operator()(const AttributeList& list) const {
    std::string text = "L[";
    for (const auto& value : list) text += (text.size() > 2 ? ", " : "") + ValueText(value);
    return text + "]";
  }
  std::string operator()(const StringSet& set) const {
    std::string text = "SS[";
    for (const auto& value : set) text += (text.size() > 3 ? ", " : "") + value;
    return text + "]";
  }
};

inline std::string ValueText(const AttributeValue& value) { return std::visit(ToText{}, value.variant()); }

inline std::string ItemText(const Item& item) {
  std::string text;
  for (const auto& [name, value] : item) text += name + " = " + ValueText(value) + "\n";
  return text;
}

}  // namespace guidon::store::testing
