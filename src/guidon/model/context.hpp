// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "guidon/base/result.hpp"
#include "guidon/model/value.hpp"

namespace guidon::model {

// Who or what a flag is evaluated for (OpenFeature's evaluation context). Immutable value.
class Context {
 public:
  struct Fields {
    std::optional<std::string> targeting_key = std::nullopt;  // absent or not empty
    std::optional<std::string> tenant_id = std::nullopt;
    Object attributes = {};  // without targetingKey and tenantId
  };

  Context() = default;
  // Checks ids, depth, number and length of attributes. Error: kInvalidArgument or kTooLarge naming the attribute.
  static base::Result<Context> Create(Fields fields);

  const std::string* targeting_key() const { return fields_.targeting_key ? &*fields_.targeting_key : nullptr; }
  const std::string* tenant_id() const { return fields_.tenant_id ? &*fields_.tenant_id : nullptr; }
  const Object& attributes() const { return fields_.attributes; }

 private:
  explicit Context(Fields fields) : fields_(std::move(fields)) {}
  Fields fields_;
};

}  // namespace guidon::model
