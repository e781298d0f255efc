// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "guidon/base/result.hpp"
#include "guidon/model/value.hpp"
#include "guidon/store/table.hpp"

// Items ↔ DynamoDB's JSON of items, on the wire and in exports: {"PK":{"S":"p"},"n":{"N":"1"},…}.
namespace guidon::store {

// Levels of JSON that 32 levels of an item take (two each), with a few of whatever is around it.
inline constexpr std::size_t kItemJsonDepthMax = 96;

// RFC 4648 section 4, with padding.
std::string ToBase64(std::string_view bytes);
std::optional<std::string> FromBase64(std::string_view text);

void AppendValue(std::string& out, const AttributeValue& value);
void AppendItem(std::string& out, const Item& item);
void AppendKey(std::string& out, const Key& key);

// Sets of numbers and of bytes, which Guidon never writes, come as lists: an attribute of somebody else's must not make
// an item unreadable. Error: kCorrupt naming the attribute.
base::Result<Item> ItemFrom(const model::Value& json);

// The same text for equal numbers ("1E2" is "100"): digits and a power of ten. A text that is no number is itself.
std::string CanonicalText(const Number& number);

}  // namespace guidon::store
