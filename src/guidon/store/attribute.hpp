// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <compare>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "guidon/base/result.hpp"

namespace guidon::store {

class AttributeValue;

// A DynamoDB number: decimal text of at most 38 significant digits, magnitude 1E-130 to 9.9999…E+125, or 0.
struct Number {
  std::string text;
  static Number From(std::int64_t value);
  // `value` must be finite and within DynamoDB's range (model::Value guarantees it).
  static Number From(double value);
  // Nothing where the text is not such a number, or has a fraction, or does not fit.
  std::optional<std::int64_t> AsInt64() const;
  // By value, as DynamoDB compares ("1E2" is "100"); texts that are no numbers are equal where their bytes are.
  friend bool operator==(const Number& a, const Number& b);
};

// Raw bytes (type B).
struct Binary {
  std::string bytes;
  friend bool operator==(const Binary&, const Binary&) = default;
};

struct Null {
  friend bool operator==(const Null&, const Null&) = default;
};

using AttributeList = std::vector<AttributeValue>;

// Attribute name → value, sorted by name (byte order), each name once. What an item and a map (type M) are made of.
class AttributeMap {
 public:
  using Entry = std::pair<std::string, AttributeValue>;

  AttributeMap();
  AttributeMap(std::initializer_list<Entry> entries);  // a later entry of the same name wins
  // The same for entries in any order: sorted once, where one Set after the other would move them again and again.
  static AttributeMap FromEntries(std::vector<Entry> entries);
  AttributeMap(const AttributeMap&);
  AttributeMap(AttributeMap&&) noexcept;
  AttributeMap& operator=(const AttributeMap&);
  AttributeMap& operator=(AttributeMap&&) noexcept;
  ~AttributeMap();

  // nullptr where the name is absent. The pointer lives until the next change of the map.
  const AttributeValue* Find(std::string_view name) const;
  void Set(std::string_view name, AttributeValue value);
  // Adds what comes after all that is there. False, and nothing changed, where it does not.
  bool Append(std::string_view name, AttributeValue value);
  void Reserve(std::size_t count);  // room for so many, so that filling the map moves nothing
  bool Erase(std::string_view name);

  std::size_t size() const;
  bool empty() const { return size() == 0; }
  std::vector<Entry>::const_iterator begin() const;
  std::vector<Entry>::const_iterator end() const;

  friend bool operator==(const AttributeMap& a, const AttributeMap& b);

 private:
  std::vector<Entry> entries_;
};

using StringSet = std::vector<std::string>;  // type SS; sorted, unique, not empty

// One DynamoDB attribute value of the types this table uses: S, N, B, BOOL, NULL, L, M, SS.
class AttributeValue {
 public:
  using Variant = std::variant<std::string, Number, Binary, bool, Null, AttributeList, AttributeMap, StringSet>;

  AttributeValue(std::string text) : value_(std::move(text)) {}         // NOLINT(google-explicit-constructor)
  AttributeValue(std::string_view text) : value_(std::string(text)) {}  // NOLINT(google-explicit-constructor)
  AttributeValue(const char* text) : value_(std::string(text)) {}       // NOLINT(google-explicit-constructor)
  AttributeValue(Number number) : value_(std::move(number)) {}          // NOLINT(google-explicit-constructor)
  AttributeValue(Binary binary) : value_(std::move(binary)) {}          // NOLINT(google-explicit-constructor)
  // Only from a bool itself: an int or a pointer would otherwise become true without a word.
  template <std::same_as<bool> Bool>
  AttributeValue(Bool flag) : value_(flag) {}                      // NOLINT(google-explicit-constructor)
  AttributeValue(Null null) : value_(null) {}                      // NOLINT(google-explicit-constructor)
  AttributeValue(AttributeList list) : value_(std::move(list)) {}  // NOLINT(google-explicit-constructor)
  AttributeValue(AttributeMap map) : value_(std::move(map)) {}     // NOLINT(google-explicit-constructor)
  AttributeValue(StringSet set) : value_(std::move(set)) {}        // NOLINT(google-explicit-constructor)

  const std::string* AsString() const { return std::get_if<std::string>(&value_); }
  const Number* AsNumber() const { return std::get_if<Number>(&value_); }
  const Binary* AsBinary() const { return std::get_if<Binary>(&value_); }
  const bool* AsBool() const { return std::get_if<bool>(&value_); }
  const AttributeList* AsList() const { return std::get_if<AttributeList>(&value_); }
  const AttributeMap* AsMap() const { return std::get_if<AttributeMap>(&value_); }
  const StringSet* AsStringSet() const { return std::get_if<StringSet>(&value_); }
  const Variant& variant() const { return value_; }

  friend bool operator==(const AttributeValue&, const AttributeValue&) = default;

 private:
  Variant value_;
};

using Item = AttributeMap;

// Item size by DynamoDB's documented rule, in bytes: UTF-8 length of each name plus its value; a number is
// (significant digits + 1) / 2 + 1 bytes (one more when negative), BOOL and NULL 1, a list or map 3 plus 1 for each
// element plus the elements.
std::size_t ItemSize(const Item& item);

// Checks an item before it is stored: key attributes `PK` and `SK` are non-empty strings within DynamoDB's key limits
// (2048 and 1024 bytes), index key attributes that are there are non-empty strings within them, numbers are numbers,
// names and strings are UTF-8, no empty set, nesting at most 32 levels, size at most 400 KB (409,600 bytes).
// Errors: kInvalidArgument or kTooLarge naming the attribute.
base::Status ValidateItem(const Item& item);

}  // namespace guidon::store
