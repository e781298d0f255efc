// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "guidon/base/result.hpp"
#include "guidon/model/context.hpp"

namespace guidon::eval {

// What a context holds at a path: a string of its own, or an attribute's value. Both null: missing. Without
// initialisers, because evaluations keep a table of them of which most stay unused.
struct AttributeValue {
  const std::string* text;
  const model::Value* value;  // never a string or null: those are `text` and missing
  std::uint64_t head;         // HeadOf(*text)
  bool IsMissing() const { return text == nullptr && value == nullptr; }
};

// "targetingKey", "tenantId", or an attribute's name, nested in objects with dots: "a.b" is member b of object a, and
// never an attribute whose name has a dot in it.
class AttributePath {
 public:
  // The targeting key.
  AttributePath() = default;
  // Error: kInvalidArgument where a name is empty.
  static base::Result<AttributePath> Parse(std::string_view text);

  AttributeValue Resolve(const model::Context& context) const;

 private:
  enum class Source : std::uint8_t { kTargetingKey, kTenantId, kAttribute };
  Source source_ = Source::kTargetingKey;
  std::vector<std::string> names_;
};

}  // namespace guidon::eval
