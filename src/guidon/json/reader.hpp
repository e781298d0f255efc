// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "guidon/base/result.hpp"
#include "guidon/base/time.hpp"
#include "guidon/model/field_path.hpp"
#include "guidon/model/flag.hpp"
#include "guidon/model/value.hpp"

// Decoding of JSON-shaped values, for the decoders of this module only. A decoder turns one value into a T; its errors
// (kInvalidArgument) name paths below that value.
namespace guidon::json {

base::Result<bool> AsBool(const model::Value& value);
base::Result<std::string> AsString(const model::Value& value);
base::Result<double> AsDouble(const model::Value& value);
base::Result<std::int64_t> AsInteger(const model::Value& value);    // also a number without fraction, as 1.0
base::Result<std::uint64_t> AsUnsigned(const model::Value& value);  // 0 to 2^63 - 1
base::Result<base::Timestamp> AsTime(const model::Value& value);
base::Result<model::Value> AsAnything(const model::Value& value);

// "must be a string, not a number".
std::unexpected<base::Error> WrongType(std::string_view expected, const model::Value& value);

// Decoder of a list whose items `decode` decodes.
template <class Decoder>
auto ListOf(Decoder decode) {
  using Item = typename decltype(decode(std::declval<const model::Value&>()))::value_type;
  return [decode](const model::Value& value) -> base::Result<std::vector<Item>> {
    const model::List* list = value.AsList();
    if (list == nullptr) return WrongType("a list", value);
    std::vector<Item> items;
    items.reserve(list->size());
    for (const model::Value& item : *list) {
      auto decoded = decode(item);
      if (!decoded)
        return std::unexpected(model::Below("[" + std::to_string(items.size()) + "]", std::move(decoded).error()));
      items.push_back(*std::move(decoded));
    }
    return items;
  };
}

// Decoder of an object whose names are free and whose values `decode` decodes.
template <class Decoder>
auto MapOf(Decoder decode) {
  using Item = typename decltype(decode(std::declval<const model::Value&>()))::value_type;
  return [decode](const model::Value& value) -> base::Result<std::map<std::string, Item>> {
    const model::Object* object = value.AsObject();
    if (object == nullptr) return WrongType("an object", value);
    std::map<std::string, Item> items;
    for (const auto& [name, member] : *object) {
      auto decoded = decode(member);
      if (!decoded) return std::unexpected(model::Below(model::PathName(name), std::move(decoded).error()));
      items.emplace(name, *std::move(decoded));
    }
    return items;
  };
}

// Decoder of an enumeration's name by its `FromName` function; `names` is for the message.
template <class FromName>
auto EnumOf(FromName from_name, std::string_view names) {
  using Enum = typename decltype(from_name(std::string_view()))::value_type;
  return [from_name, names](const model::Value& value) -> base::Result<Enum> {
    GUIDON_ASSIGN(const std::string text, AsString(value));
    if (const auto found = from_name(text)) return *found;
    return base::Fail(base::ErrorCode::kInvalidArgument, "must be one of " + std::string(names));
  };
}

template <class T>
inline constexpr bool kIsOptional = false;
template <class T>
inline constexpr bool kIsOptional<std::optional<T>> = true;

// Reads the members of one object by name and, at the end, refuses names that nobody read. Keeps the first error; later
// reads then do nothing, so that decoders need no error handling in between. Must not outlive the value.
class ObjectReader {
 public:
  explicit ObjectReader(const model::Value& value);

  // Decodes the member into `out`; leaves `out` alone where the name is absent. Null empties an optional.
  template <class T, class Decoder>
  void Read(std::string_view name, T& out, Decoder decode) {
    const model::Value* value = Take(name);
    if (value == nullptr) return;
    if constexpr (kIsOptional<T>) {
      if (value->IsNull()) {
        out.reset();
        return;
      }
    }
    auto decoded = decode(*value);
    if (decoded) {
      out = *std::move(decoded);
    } else {
      Refuse(model::Below(name, std::move(decoded).error()));
    }
  }

  // As Read, but the name must be there.
  template <class T, class Decoder>
  void Require(std::string_view name, T& out, Decoder decode) {
    if (!Has(name))
      Refuse({.code = base::ErrorCode::kInvalidArgument, .message = "is missing", .field = std::string(name)});
    Read(name, out, decode);
  }

  // A string that the surroundings may have fixed (not empty): then it may be left out and must agree.
  void ReadScoped(std::string_view name, std::string& out, const std::string& fixed);

  bool Has(std::string_view name) const { return object_ != nullptr && object_->Find(name) != nullptr; }
  void Refuse(base::Error error);

  // `result`, or the first error.
  template <class T>
  base::Result<T> Finish(T result) {
    RefuseUnread();
    if (error_) return std::unexpected(*std::move(error_));
    return result;
  }

 private:
  const model::Value* Take(std::string_view name);
  void RefuseUnread();

  const model::Object* object_ = nullptr;
  std::vector<std::string_view> known_;
  std::optional<base::Error> error_;
};

// Collects the members of an object to be written.
class ObjectBuilder {
 public:
  ObjectBuilder& Reserve(std::size_t count);  // room for so many members
  ObjectBuilder& Put(std::string_view name, model::Value value);
  ObjectBuilder& Put(std::string_view name, std::uint64_t number);
  ObjectBuilder& Put(std::string_view name, base::Timestamp time);
  ObjectBuilder& Put(std::string_view name, const std::vector<std::string>& items);
  // Nothing where there is no value.
  template <class T>
  ObjectBuilder& PutOptional(std::string_view name, const std::optional<T>& value) {
    return value ? Put(name, *value) : *this;
  }
  // Nothing where `text` is empty.
  ObjectBuilder& PutText(std::string_view name, const std::string& text);
  model::Value Done() &&;

 private:
  std::vector<model::Object::Entry> entries_;
};

}  // namespace guidon::json
