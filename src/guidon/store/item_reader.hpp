// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "guidon/base/result.hpp"
#include "guidon/base/time.hpp"
#include "guidon/store/attribute.hpp"
#include "guidon/store/keys.hpp"

namespace guidon::store {

// Reads the attributes of one item for a decoder. The first problem is kept and ends up in Finish(); until then reading
// goes on with empty values, so that decoders need no branch for each attribute. An attribute of type NULL is read as
// absent: that is how some clients write what they leave out. Does not own the item.
class ItemReader {
 public:
  explicit ItemReader(const Item& item) : item_(item) {}

  // PK or SK split at '#': `count` parts after `prefix`. The last part takes the rest, whatever it holds. Always
  // `count` parts, empty ones where the key has another shape (which is a problem).
  std::vector<std::string> KeyParts(std::string_view attribute, std::string_view prefix, std::size_t count);
  // A problem where PK or SK has another value.
  void ExpectKey(std::string_view attribute, std::string_view expected);

  const AttributeValue* Find(std::string_view name) const;
  std::string Text(std::string_view name);  // required
  std::string TextOr(std::string_view name, std::string_view fallback);
  std::optional<std::string> OptionalText(std::string_view name);
  // The text of the key: the attribute may be absent, and where it is there it must agree.
  std::string SameText(std::string_view name, std::string_view from_key);
  bool Bool(std::string_view name);  // required
  bool BoolOr(std::string_view name, bool fallback);
  std::uint64_t Unsigned(std::string_view name, std::uint64_t fallback);
  // The attribute `version`: at least 1; 0 where it is absent.
  std::uint64_t Version();
  base::Timestamp Time(std::string_view name);  // required
  base::Timestamp TimeOr(std::string_view name, base::Timestamp fallback);
  std::optional<base::Timestamp> OptionalTime(std::string_view name);
  std::vector<std::string> TextList(std::string_view name);  // absent: empty
  const AttributeList* List(std::string_view name);          // absent: nullptr
  const AttributeMap* Map(std::string_view name);            // absent: nullptr

  // Keeps the error of something decoded elsewhere; its value where there is one.
  template <class T>
  std::optional<T> Take(base::Result<T> result) {
    if (result) return *std::move(result);
    Problem(std::move(result).error());
    return std::nullopt;
  }
  void Problem(base::Error error);
  void Problem(std::string_view attribute, std::string message);
  bool good() const { return !error_; }

  // The entity `create()` makes, or the first problem. What the domain refuses in a stored item is kCorrupt.
  template <class Create>
  auto Finish(Create create) -> decltype(create()) {
    if (error_) return std::unexpected(Stored(*std::move(error_)));
    auto created = create();
    if (!created) return std::unexpected(Stored(std::move(created).error()));
    return created;
  }

 private:
  static base::Error Stored(base::Error error);
  const AttributeValue* Required(std::string_view name);
  std::string AsText(std::string_view name, const AttributeValue& value);
  std::optional<base::Timestamp> AsTime(std::string_view name, const AttributeValue& value);

  const Item& item_;
  std::optional<base::Error> error_;
};

}  // namespace guidon::store
