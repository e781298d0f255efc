// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "guidon/base/result.hpp"

namespace guidon::model {

class Value;

using List = std::vector<Value>;

// Name → value, sorted by name (byte order), each name once: equal objects are equal whatever order they came in.
class Object {
 public:
  using Entry = std::pair<std::string, Value>;

  Object();
  Object(const Object&);
  Object(Object&&) noexcept;
  Object& operator=(const Object&);
  Object& operator=(Object&&) noexcept;
  ~Object();

  // Of entries in any order, in O(n log n) where inserting one by one may cost O(n²). Nothing where a name is there
  // twice; then `duplicate`, if given, says which.
  static std::optional<Object> FromEntries(std::vector<Entry> entries, std::string* duplicate = nullptr);
  std::vector<Entry> TakeEntries() &&;

  // nullptr where the name is absent. The pointer lives until the next change of the object.
  const Value* Find(std::string_view name) const;
  // False (and nothing changes) where the name is there already.
  bool Insert(std::string name, Value value);
  void Set(std::string_view name, Value value);
  bool Erase(std::string_view name);

  std::size_t size() const;
  bool empty() const { return size() == 0; }
  std::vector<Entry>::const_iterator begin() const;
  std::vector<Entry>::const_iterator end() const;

  friend bool operator==(const Object& a, const Object& b);

 private:
  std::vector<Entry> entries_;
};

// A JSON-shaped value: null, boolean, integer (64 bit), number, string, list or object. Integers and numbers of equal
// value are equal (1 == 1.0). Value type; not thread-safe for writers.
class Value {
 public:
  using Variant = std::variant<std::monostate, bool, std::int64_t, double, std::string, List, Object>;

  Value() = default;                                           // null
  Value(bool flag) : value_(flag) {}                           // NOLINT(google-explicit-constructor)
  Value(int number) : value_(std::int64_t{number}) {}          // NOLINT(google-explicit-constructor)
  Value(std::int64_t number) : value_(number) {}               // NOLINT(google-explicit-constructor)
  Value(double number) : value_(number) {}                     // NOLINT(google-explicit-constructor)
  Value(std::string text) : value_(std::move(text)) {}         // NOLINT(google-explicit-constructor)
  Value(std::string_view text) : value_(std::string(text)) {}  // NOLINT(google-explicit-constructor)
  Value(const char* text) : value_(std::string(text)) {}       // NOLINT(google-explicit-constructor)
  Value(List list) : value_(std::move(list)) {}                // NOLINT(google-explicit-constructor)
  Value(Object object) : value_(std::move(object)) {}          // NOLINT(google-explicit-constructor)

  bool IsNull() const { return std::holds_alternative<std::monostate>(value_); }
  bool IsNumber() const { return AsInteger() != nullptr || AsDouble() != nullptr; }
  const bool* AsBool() const { return std::get_if<bool>(&value_); }
  const std::int64_t* AsInteger() const { return std::get_if<std::int64_t>(&value_); }
  const double* AsDouble() const { return std::get_if<double>(&value_); }
  const std::string* AsString() const { return std::get_if<std::string>(&value_); }
  const List* AsList() const { return std::get_if<List>(&value_); }
  const Object* AsObject() const { return std::get_if<Object>(&value_); }
  Object* MutableObject() { return std::get_if<Object>(&value_); }
  const Variant& variant() const { return value_; }

  // "null", "boolean", "number", "string", "list", "object": for messages.
  std::string_view TypeName() const;

  friend bool operator==(const Value& a, const Value& b);

 private:
  Variant value_;
};

// Checks what every stored value must hold: numbers finite and storable in DynamoDB (0, or magnitude 1e-130 to
// 9.9e125), strings well-formed UTF-8, at most `depth_max` levels of lists and objects.
// Error: kInvalidArgument with the path below `field`.
base::Status CheckStorable(const Value& value, std::size_t depth_max, std::string_view field);

}  // namespace guidon::model
